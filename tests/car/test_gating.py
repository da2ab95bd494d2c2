"""The guard before the bus of the vehicle: what it forbids never becomes a frame."""

from dataclasses import replace

from monocoque.car.body import service as body
from monocoque.car.body.logic import begin_drive
from monocoque.car.signals.logic.acts import Act
from monocoque.car.signals.service.gating import gate_of
from monocoque.contracts.signals import IS_LOCKED, SPEED
from tests.car.door_stand import CAR_ID, DoorStand


async def test_the_gate_says_the_guards_word_about_the_body_as_it_is():
    stand = DoorStand()
    gate = gate_of(stand.context)
    unlock = Act("act_1", IS_LOCKED.number, False, "somebody", 0, 9)
    assert await gate(unlock) is None
    await body.change(
        stand.records, CAR_ID, stand.clock.now_us(), lambda b: begin_drive(b, 60_000_000)
    )
    assert await gate(unlock) == "gear"
    await body.change(
        stand.records, CAR_ID, stand.clock.now_us(),
        lambda b: replace(b, drive=None, doors_open=("row1_left",)),
    )  # fmt: skip
    assert await gate(replace(unlock, target=True)) == "door_open"


async def test_what_the_guard_has_no_word_for_is_forbidden():
    gate = gate_of(DoorStand().context)
    assert await gate(Act("act_1", SPEED.number, 5.0, "somebody", 0, 9)) == "action_unknown"
