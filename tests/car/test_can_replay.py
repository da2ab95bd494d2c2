"""A log told to the signals again: all of it, at its pace, or up to where it is cut."""

import asyncio
from random import Random

import pytest

from monocoque.car.can.config import CanConfig
from monocoque.car.can.service.files import load_translation, own_files
from monocoque.car.can.service.replay import replay
from monocoque.car.signals.logic.access import everything
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.service.hub import SignalHub
from monocoque.contracts.errors import CanDatabaseWrong, CanLogBroken, CanMappingWrong
from monocoque.contracts.signals import SIGNALS, TOLD, EntryType
from monocoque.plumbing.can.port import Frame
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.loop import run_virtual
from tests.car.can_samples import CATALOGUE, DBC, FAST, GEAR, ROWS_IN, SPEED, bound, fast, text_of

CONFIG = CanConfig(batch_frames_max=10)
SECOND_US = 1_000_000


def frames(count, gap_us=SECOND_US):
    for index in range(count):
        yield Frame(5 * SECOND_US + index * gap_us, *FAST, fast(speed=index, gear=index % 3))


def cut(count):
    yield from frames(count)
    raise CanLogBroken("drive.log is broken.")


def told(frames_of, count, rows=ROWS_IN, **options):
    """A whole replay on virtual time: hub, tally or error, and how long it took in seconds."""

    async def tell():
        loop = asyncio.get_running_loop()
        hub = SignalHub(CATALOGUE, VirtualClock(MachineTime(loop.time, start_us=0)), Random(1))
        broker = hub.connect("replay", everything(CATALOGUE.numbers))
        began_s = loop.time()
        try:
            ended: object = await replay(broker, bound(rows), frames_of(count), CONFIG, **options)
        except CanLogBroken as error:
            ended = error
        return hub, ended, loop.time() - began_s

    return run_virtual(tell())


def test_a_log_is_told_whole_and_at_once() -> None:
    hub, tally, took_s = told(frames, 25)
    assert (tally.frames, tally.decoded_frames) == (25, 25)
    assert tally.published_values == 25 + 25 + 1
    assert took_s == 0
    reading = hub.readings([GEAR])[0]
    assert (reading.value, reading.time_us) == (126, 29 * SECOND_US)


@pytest.mark.parametrize(("speed", "took_s"), [(1.0, 24), (10.0, 2.4), (0.5, 48)])
def test_a_log_is_told_at_the_pace_that_was_asked_for(speed, took_s) -> None:
    _, tally, took = told(frames, 25, speed=speed)
    assert tally.frames == 25
    assert took == pytest.approx(took_s, abs=0.01)


def test_values_have_the_times_that_the_caller_gives_them() -> None:
    hub, _, _ = told(frames, 3, timed=lambda time_us: time_us + SECOND_US)
    assert hub.readings([SPEED])[0].time_us == 8 * SECOND_US


def test_a_log_that_is_cut_is_told_up_to_there() -> None:
    hub, error, _ = told(cut, 14)
    assert isinstance(error, CanLogBroken)
    assert hub.readings([SPEED])[0].time_us == 18 * SECOND_US


def test_what_an_interval_holds_back_at_the_end_is_told_too() -> None:
    rows = ROWS_IN.replace("2: -1}", "2: -1}, interval_ms: 60000")
    hub, tally, _ = told(frames, 3, rows)
    assert hub.readings([GEAR])[0].value == -1
    assert tally.published_values == 3 + 2 + 1


def test_a_log_of_nothing_tells_nothing() -> None:
    _, tally, _ = told(frames, 0)
    assert tally.frames == 0


# --- the files ---------------------------------------------------------------------------------


def load(folder, dbc=DBC, mapping=None, *, is_lenient=False, config=CONFIG):
    (folder / "a.dbc").write_text(dbc)
    (folder / "a.yaml").write_text(text_of(ROWS_IN) if mapping is None else mapping)
    return load_translation(
        folder / "a.dbc", folder / "a.yaml", CATALOGUE, config, is_lenient=is_lenient
    )


def test_a_database_and_a_mapping_are_read_from_files(tmp_path) -> None:
    assert len(load(tmp_path).rules) == 4


def test_only_who_is_lenient_takes_messages_that_overlap(tmp_path) -> None:
    overlapping = DBC.replace("12|3@1+", "11|3@1+")
    with pytest.raises(CanDatabaseWrong, match="overlapping"):
        load(tmp_path, overlapping)
    assert load(tmp_path, overlapping, is_lenient=True).rules


def test_files_beyond_their_limits_are_named(tmp_path) -> None:
    with pytest.raises(CanDatabaseWrong, match=r"a\.dbc is larger than 10 bytes"):
        load(tmp_path, config=CanConfig(database_bytes_max=10))
    with pytest.raises(CanMappingWrong, match=r"a\.yaml is larger than 10 bytes"):
        load(tmp_path, config=CanConfig(mapping_bytes_max=10))


def test_files_that_are_not_there_are_named(tmp_path) -> None:
    with pytest.raises(CanDatabaseWrong, match=r"b\.dbc cannot be read"):
        load_translation(
            tmp_path / "b.dbc", tmp_path / "b.yaml", CATALOGUE, CONFIG, is_lenient=False
        )


def test_our_own_car_has_a_bus_that_says_and_takes_every_signal_of_its_frames() -> None:
    catalogue = Catalogue(SIGNALS)
    translation = load_translation(*own_files(), catalogue, CONFIG, is_lenient=False)
    assert set(translation.numbers) >= {signal.number for signal in TOLD}
    asked = {catalogue.numbered(number).path for number in translation.asks}
    told_actuators = {s.path for s in TOLD if s.entry_type is EntryType.ACTUATOR}
    # The gear and the door are the driver's alone.
    assert told_actuators - asked == {
        "Vehicle.Powertrain.Transmission.SelectedGear",
        "Vehicle.Cabin.Door.Row1.DriverSide.IsOpen",
    }
