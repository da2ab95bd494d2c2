"""What the factory makes of orders: one car each, in its week, whatever is repeated or cut off."""

import asyncio
import json
from dataclasses import replace

import pytest

from monocoque.contracts.documents import AS_BUILT
from monocoque.contracts.errors import NotWritable
from monocoque.contracts.topics import BUILD_EVENTS, ORDER_EVENTS
from monocoque.contracts.wire import order_pb2
from monocoque.plumbing.bus.header import stamp
from monocoque.shop.build import records as rows
from monocoque.shop.build.logic.vin import is_vin
from monocoque.trust.documents import verify
from monocoque.trust.keys import load_key
from tests.shop.build.stand import CONFIG, ORDER, Factory, RecordsThatStop, with_serials

SECOND = "order_1123456789abcdefghjkmnpqrs"
THIRD = "order_2123456789abcdefghjkmnpqrs"
BUILT = ("scheduled", "in_production", "built")
DELIVERED = (*BUILT, "delivered")


def claims_of(factory: Factory, document: bytes) -> dict:
    key = load_key(factory.secrets.secrets["factory-key"])
    trusted = {key.key_id: key.public_jwk}
    return dict(verify(AS_BUILT, document, trusted.get, factory.clock.now_us()).claims)


async def test_what_was_paid_is_built_in_its_week_and_not_before(records):
    factory = Factory(records)
    async with factory.running():
        await factory.say_order(in_s=60)
        [scheduled] = await factory.heard(BUILT[:1])
        factory.clock.advance(59)
        await factory.say_order(order_id=SECOND)
        await factory.heard(BUILT, SECOND)
        await factory.heard(BUILT[:1])
        factory.clock.advance(1)
        events = await factory.heard(BUILT)
    assert scheduled.car_id == ""
    [_, begun, built] = events
    assert begun.car_id == built.car_id in factory.line.cars
    assert not any(event.refusal_code for event in events)
    assert [bool(event.as_built) for event in events] == [False, False, True]
    assert factory.line.let_go_cars[built.car_id] == 1


async def test_the_record_of_a_car_is_signed_and_has_its_number_its_order_and_its_parts(records):
    factory = Factory(records)
    async with factory.running():
        await factory.say_order()
        built = (await factory.heard(BUILT))[-1]
    claims = claims_of(factory, built.as_built)
    assert (claims["sub"], claims["order"]) == (built.car_id, ORDER)
    assert is_vin(claims["vin"])
    assert claims["vin"].endswith("000001")
    assert len(claims["bom"]["components"]) >= 10
    assert "paint-red" in json.dumps(claims["bom"]["metadata"]["component"]["properties"])


async def test_a_car_is_delivered_when_its_first_owner_has_the_first_grant(records):
    factory = Factory(records)
    async with factory.running():
        await factory.say_order()
        built = (await factory.heard(BUILT))[-1]
        assert (await factory.take_over(built.car_id)).refusal_code == ""
        assert (await factory.heard(DELIVERED))[-1].car_id == built.car_id


async def test_every_event_twice_and_an_old_one_late_change_nothing(records):
    factory = Factory(records)
    async with factory.running():
        for _ in range(2):
            await factory.say_order()
        await factory.heard(BUILT)
        await factory.say_order()
        await factory.say_order("paid", 3, in_s=500)
        await factory.say_order("delivering", 9)
        await factory.say_order(order_id=SECOND)
        await factory.heard(BUILT, SECOND)
        await factory.heard(BUILT)
    assert len(factory.line.cars) == 2
    assert len(await factory.rows_of(rows.cars)) == 2


async def test_a_new_week_of_the_same_order_takes_the_place_of_the_old_one(records):
    factory = Factory(records)
    async with factory.running():
        await factory.say_order(in_s=10)
        await factory.heard(BUILT[:1])
        await factory.say_order(sequence=5, in_s=100)
        await factory.heard(("scheduled", "scheduled"))
        factory.clock.advance(10)
        await factory.say_order(order_id=SECOND)
        await factory.heard(BUILT, SECOND)
        assert len(factory.line.cars) == 1
        factory.clock.advance(90)
        await factory.heard(("scheduled", *BUILT))


async def test_an_order_is_called_off_before_production(records):
    factory = Factory(records)
    async with factory.running():
        await factory.say_order(in_s=10)
        await factory.say_order("cancelled", 5, in_s=10)
        events = await factory.heard(("scheduled", "cancelled"))
        factory.clock.advance(10)
        await factory.say_order(order_id=SECOND)
        await factory.heard(BUILT, SECOND)
        await factory.heard(("scheduled", "cancelled"))
    assert events[-1].refusal_code == ""
    assert len(factory.line.cars) == 1


async def test_calling_off_is_refused_once_the_car_is_there(records):
    factory = Factory(records)
    async with factory.running():
        await factory.say_order()
        await factory.heard(BUILT)
        await factory.say_order("cancelled", 5)
        refused = (await factory.heard((*BUILT, "built")))[-1]
        assert (refused.refusal_code, refused.as_built) == ("build_begun", b"")
        await factory.take_over(refused.car_id)
        await factory.heard((*BUILT, "built", "delivered"))


async def test_calling_off_that_overtakes_the_payment_keeps_the_car_from_being_built(records):
    factory = Factory(records)
    async with factory.running():
        await factory.say_order("cancelled", 5)
        await factory.say_order("paid", 4)
        await factory.say_order(order_id=SECOND)
        await factory.heard(BUILT, SECOND)
        await factory.heard(("cancelled",))
    assert len(factory.line.cars) == 1


async def test_an_order_that_cannot_have_a_number_is_refused_by_name_and_promised_nothing(records):
    factory = Factory(records, with_serials(1))
    async with factory.running():
        await factory.say_order()
        await factory.heard(BUILT)
        await factory.say_order(order_id=SECOND)
        [spent] = await factory.heard(("refused",), SECOND)
        await factory.say_order(order_id=THIRD, week_begins_us=0)
        [ancient] = await factory.heard(("refused",), THIRD)
    assert spent.refusal_code == "vin_serials_spent"
    assert ancient.refusal_code == "week_not_buildable"
    assert len(factory.line.cars) == 1


async def test_an_event_of_no_order_stops_nothing(records):
    factory = Factory(records)
    async with factory.running():
        event = order_pb2.OrderEvent(sequence=1, state="paid")
        stamp(event, factory.clock, factory.random)
        await factory.book.publish(ORDER_EVENTS, event, order_id="nonsense")
        await factory.say_order()
        await factory.heard(BUILT)
    assert len(await factory.rows_of(rows.builds)) == 1


async def test_an_order_that_says_more_than_it_may_holds_up_no_other(records):
    factory = Factory(records, replace(CONFIG, outbox_batch_messages=10))
    many = BUILD_EVENTS.rate_per_minute_max + 20

    def add(connection):
        for number, order_id in enumerate([*[ORDER] * many, SECOND]):
            sequence = 1 if order_id == SECOND else number
            event = order_pb2.BuildEvent(sequence=sequence, state="scheduled")
            stamp(event, factory.clock, factory.random)
            payload = event.SerializeToString()
            rows.add_message(connection, f"message-{number}", order_id, payload)

    await records.transact(add)
    async with factory.running():
        await factory.heard(BUILT[:1], SECOND)
        factory.clock.advance(60)
        await factory.until_all_is_said()


async def test_a_car_that_cannot_be_made_now_is_tried_again_and_disturbs_no_other(records):
    factory = Factory(records)
    factory.line.failures = [NotWritable("The folder of cars cannot be written.")] * 2
    async with factory.running():
        await factory.say_order()
        await factory.heard(BUILT[:2])
        await factory.say_order(order_id=SECOND)
        await factory.heard(BUILT[:2], SECOND)
        await factory.say_order(order_id=THIRD)
        await factory.heard(BUILT, THIRD)
        await factory.heard(BUILT[:2])
        factory.clock.advance(1)
        await factory.heard(BUILT)
        await factory.heard(BUILT, SECOND)
    assert len(factory.line.cars) == 3


@pytest.mark.parametrize("place", ["before making", "after making", "before letting go"])
async def test_a_kill_at_any_place_of_the_line_costs_no_car_and_makes_none_twice(records, place):
    factory = Factory(records)
    factory.line.stops_at = place
    async with factory.running():
        await factory.say_order()
        await factory.until(factory.line.stands_still.is_set)
    async with factory.running():
        built = (await factory.heard(BUILT))[-1]
        await factory.until(lambda: factory.line.let_go_cars)
    assert list(factory.line.cars) == [built.car_id]
    assert set(factory.line.let_go_cars) == {built.car_id}
    [on_record] = await factory.rows_of(rows.cars)
    assert on_record.car_id == built.car_id
    assert claims_of(factory, built.as_built)["sub"] == built.car_id


async def test_a_kill_after_any_transaction_costs_no_car_and_makes_none_twice(records):
    factory = Factory(records)
    orders = [ORDER[:-2] + f"{number:02}" for number in range(1, 16)]
    for transactions, order_id in enumerate(orders, 1):
        stopping = RecordsThatStop(records, transactions)
        async with factory.running(stopping):
            await factory.say_order(order_id=order_id)
            await factory.until(stopping.stands_still.is_set)
        async with factory.running():
            built = (await factory.heard(BUILT, order_id))[-1]
            await factory.until(lambda car_id=built.car_id: factory.line.let_go_cars[car_id])
            await factory.until_all_is_said()
    made = {row.car_id for row in await factory.rows_of(rows.builds)}
    assert len(made) == len(orders)
    assert (
        made == set(factory.line.cars) == {row.car_id for row in await factory.rows_of(rows.cars)}
    )


async def test_a_week_that_began_while_nobody_worked_is_made_up_for(records):
    factory = Factory(records)
    async with factory.running():
        await factory.say_order(in_s=60)
        await factory.heard(BUILT[:1])
    factory.clock.advance(1_000)
    assert not factory.line.cars
    async with factory.running():
        await factory.heard(BUILT)


async def test_what_left_the_line_is_let_go_again_after_a_restart(records):
    factory = Factory(records)
    async with factory.running():
        await factory.say_order()
        built = (await factory.heard(BUILT))[-1]
    factory.line.let_go_cars.clear()
    async with factory.running():
        await factory.until(lambda: factory.line.let_go_cars[built.car_id] == 1)
        await factory.take_over(built.car_id)
        await factory.heard(DELIVERED)
    factory.line.let_go_cars.clear()
    async with factory.running():
        await factory.until(lambda: factory.line.let_go_cars[built.car_id] == 1)
        await factory.heard(DELIVERED)


async def test_a_car_that_was_handed_over_while_nobody_looked_is_delivered_at_the_next_start(
    records,
):
    factory = Factory(records)
    async with factory.running():
        await factory.say_order()
        built = (await factory.heard(BUILT))[-1]
    work = lambda c: rows.hand_over(c, built.car_id, "a key", b"a grant", 1)  # noqa: E731
    await records.transact(work)
    async with factory.running():
        await factory.heard(DELIVERED)


async def test_many_orders_in_one_week_have_a_number_each(records):
    factory = Factory(records)
    orders = [ORDER[:-2] + f"{number:02}" for number in range(8)]
    async with factory.running():
        async with asyncio.TaskGroup() as group:
            for order_id in orders:
                group.create_task(factory.say_order(order_id=order_id))
        for order_id in orders:
            await factory.heard(BUILT, order_id)
        await factory.until_all_is_said()
    vins = {row.vin for row in await factory.rows_of(rows.builds)}
    assert len(vins) == len(factory.line.cars) == 8
