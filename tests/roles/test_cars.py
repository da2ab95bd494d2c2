"""Which cars a process takes, and which it refuses to touch."""

from random import Random

import pytest

from monocoque.contracts.errors import (
    DataDirectoryInUse,
    DataDirectoryNewer,
    DataDirectoryOlder,
    NotFound,
)
from monocoque.contracts.identifiers import CarId
from monocoque.roles import stamp
from monocoque.roles.cars import CarProcess, make_car, take_car, take_cars
from monocoque.roles.layout import Layout
from monocoque.sim.clock import MachineTime, VirtualClock

STRANGER = CarId("car_0123456789abcdefghjkmnpqrs")


@pytest.fixture
def process(tmp_path):
    layout = Layout(tmp_path / "data")
    layout.make()
    times = iter(range(1_000))
    clock = VirtualClock(MachineTime(lambda: next(times)))
    return CarProcess(layout, clock, Random(7), {}, "0.1.0")


def released(taken):
    for car in taken:
        car.lock.release()
    return [car.car_id for car in taken]


def made(process, count):
    return released([make_car(process) for _ in range(count)])


def test_the_oldest_cars_are_taken_and_none_is_made(process):
    assert take_cars(process, 3) == []
    first = made(process, 2)
    assert released(take_cars(process, 3)) == first
    assert released(take_cars(process, 1)) == first[:1]
    assert process.layout.count_cars() == 2


def test_a_car_that_another_process_runs_is_left_to_it(process):
    oldest, other = made(process, 2)
    [taken] = take_cars(process, 1)
    assert taken.car_id == oldest
    assert released(take_cars(process, 2)) == [other]
    with pytest.raises(DataDirectoryInUse):
        take_car(process, taken.car_id)
    taken.lock.release()


@pytest.mark.parametrize("content", [None, b"", b"yesterday", b"\xff"])
def test_a_car_that_was_never_wholly_made_is_passed_over(process, content):
    [begun] = made(process, 1)
    born = process.layout.car(begun).born
    born.unlink()
    if content is not None:
        born.write_bytes(content)
    assert take_cars(process, 1) == []


def test_a_car_that_does_not_exist_is_refused_and_not_made(process):
    with pytest.raises(NotFound) as refused:
        take_car(process, STRANGER)
    assert "--car" in refused.value.hint
    assert not process.layout.car(STRANGER).path.exists()


@pytest.mark.parametrize(
    ("written", "refusal"),
    [
        (stamp.Stamp(stamp.FORMAT + 1, "0.1.0"), DataDirectoryNewer),
        (stamp.Stamp(stamp.FORMAT, "0.2.0"), DataDirectoryNewer),
        (stamp.Stamp(stamp.FORMAT, "0.0.9"), DataDirectoryOlder),
        (stamp.Stamp(stamp.FORMAT, "0.1.0", "a-snapshot"), DataDirectoryOlder),
        (stamp.Stamp(stamp.FORMAT, "0.1.0"), None),
    ],
)
def test_cars_run_only_on_a_directory_of_their_own_version(process, written, refusal):
    if refusal is None:
        stamp.refuse_other(process.layout, written, "0.1.0")
        return
    with pytest.raises(refusal):
        stamp.refuse_other(process.layout, written, "0.1.0")
