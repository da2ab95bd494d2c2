"""The first start and what comes after it, by the real processes: from an order to the owner's key.

Rules: nothing is put into a table or on the bus by the test; people come over HTTP, with links that
the commands print.
"""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.buyer import Browser, Buyer, take_over, until_online
from tests.e2e.installation import START_S_MAX, Installation, wait_until

CARS = 2
WEEK_S = 2.0
SETTINGS = f"""
[weeks]
week_duration_s = {WEEK_S}

[bus]
acknowledge_wait_s = 1  # what a reader that was killed held comes again
"""
FIRST_STORY = ["placed", "payment_asked", "charged", "scheduled", "built"]
VIN_BEGINS = "GAMA7"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """One that never ran, with short production weeks."""
    new = Installation(tmp_path, CARS)
    new.data.mkdir()
    (new.data / "monocoque.toml").write_text(SETTINGS)
    return new


def cut_first_start_off(installation: Installation) -> None:
    """kill -9 of a first start, when the first car is on the line."""
    installation.start_only()
    cars = installation.data / "cars"
    wait_until("a car is begun", lambda: any(cars.glob("car_*/born_us")), START_S_MAX)
    installation.kill()


@pytest.mark.timeout(240)
async def test_a_first_start_orders_its_cars_once_and_the_next_order_goes_the_same_way(
    installation: Installation,
) -> None:
    cut_first_start_off(installation)
    installation.start()
    try:
        async with Buyer(installation) as buyer, Browser(installation, "console") as console:
            first = await buyer.orders()
            assert len(first) == CARS
            for order in first:
                story = await buyer.followed(order["order_id"], "built")
                assert [change["kind"] for change in story["changes"]] == FIRST_STORY
                assert [payment["state"] for payment in story["payments"]] == ["charged"]
                assert order["week_duration_s"] == WEEK_S
            fleet = await console.get("/api/cars")
            ordered = {order["car_id"] for order in await buyer.orders()}
            assert {car["car_id"] for car in fleet["cars"]} == ordered
            order_id = await buyer.buy("paint-ember", "tow-bar")
            car_id = (await buyer.followed(order_id, "built"))["order"]["car_id"]
            await until_online(installation, CARS + 1)
            built = await console.get(f"/api/cars/{car_id}/as-built")
            assert built["order_id"] == order_id
            assert built["vin"].startswith(VIN_BEGINS)
            book = await console.get("/api/orders")
            assert book["states"] == {"built": CARS + 1}
            assert book["week_duration_s"] == WEEK_S
            await take_over(installation, car_id)
            await buyer.followed(order_id, "delivered")
            assert VIN_BEGINS not in installation.printed()
            assert await asyncio.to_thread(installation.stop) == 0
            await asyncio.to_thread(installation.start, CARS + 1)
            states = sorted(order["state"] for order in await buyer.orders())
            assert states == [*["built"] * CARS, "delivered"]
    finally:
        assert installation.stop() == 0
