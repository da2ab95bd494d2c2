"""``monocoque car replay``: signals move, and whatever is wrong is said in two lines."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from monocoque.car.can.service.hearing import Tally
from monocoque.cli.replay import RecordedClock, speed_of
from monocoque.contracts.errors import SettingInvalid

ROOT = Path(__file__).parents[2]
LOG = ROOT / "docs" / "guide" / "can" / "drive.log"
MONOCOQUE = Path(sys.executable).with_name("monocoque")


def replay(*words):
    return subprocess.run(
        [MONOCOQUE, "car", "replay", *map(str, words)], capture_output=True, text=True, timeout=60
    )


def figures(*words):
    return json.loads(replay(*words, "--json").stdout)


def test_a_log_of_our_own_car_needs_no_other_file() -> None:
    found = figures(LOG)
    assert (found["frames"], found["broken_frames"], found["unknown_frames"]) == (900, 0, 0)
    assert found["duration_s"] == 59.9
    assert len(found["signals"]) == 16
    assert found["signals"]["Vehicle.Speed"] == {"value": 0.0, "unit": "km/h", "said": 600}
    assert found["signals"]["Vehicle.Powertrain.Transmission.SelectedGear"]["said"] == 3
    assert found["error"] is None


def test_where_nobody_watches_each_value_is_a_line_and_the_sum_stands_at_the_end() -> None:
    lines = replay(LOG).stdout.splitlines()
    assert lines[0] == "20:26:40.000 Vehicle.Speed 0 km/h"
    assert "20:26:42.000 Vehicle.Cabin.Door.Row1.DriverSide.IsOpen false" in lines
    assert sum(" Vehicle.Speed 90 km/h" in line for line in lines) == 201
    assert any("unknown frames" in line for line in lines[-10:])


def test_on_a_terminal_it_is_a_table() -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "60"}
    with subprocess.Popen(
        [MONOCOQUE, "car", "replay", LOG], stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65_536):
                shown += part
        except OSError:  # the terminal ends with its process
            pass
    os.close(ours)
    assert process.returncode == 0
    text = shown.decode()
    assert "Vehicle.Speed" in text
    assert "km/h" in text
    assert "\x1b[" in text


def test_a_log_that_is_cut_is_shown_up_to_there_and_ends_with_1(tmp_path) -> None:
    cut = tmp_path / "cut.log"
    cut.write_bytes(LOG.read_bytes()[:20_003])
    done = replay(cut, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["error"] == "can_log_broken"
    assert 400 < found["frames"] < 900
    what, hint = done.stderr.splitlines()
    frames = found["frames"]
    assert what == f"cut.log is broken after frame {frames}: line {frames + 1} ends in the middle."
    assert hint.startswith("What came before")


def test_unknown_frames_and_refused_values_are_counted_by_name(tmp_path) -> None:
    mapping = tmp_path / "map.yaml"
    mapping.write_text(
        "version: 1\nfrom_bus:\n"
        "  - {signal: Vehicle.CurrentLocation.Latitude, message: Motion, field: Speed, factor: 4}\n"
    )
    found = figures(LOG, "--map", mapping)
    assert found["unknown"] == {f"0x{one:X}": 60 for one in (0x100, 0x101, 0x110, 0x120, 0x131)}
    assert found["refused"]["Vehicle.CurrentLocation.Latitude"] > 100
    assert found["published_values"] + found["refused_values"] == found["values"] == 600
    text = replay(LOG, "--map", mapping).stdout
    assert "no row wants 0x100" in text
    assert "Vehicle.CurrentLocation.Latitude is at most 90." in text


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--dbc", "there-is-none.dbc"], "there-is-none.dbc cannot be read"),
        (["--map", "there-is-none.yaml"], "there-is-none.yaml cannot be read"),
        (["--dbc", str(LOG)], "The database of the bus cannot be read"),
        (["--map", str(LOG)], "The file is no table of members"),
        (["--speed", "fast"], "--speed 'fast' is no speed"),
    ],
)
def test_what_is_wrong_with_an_option_is_said_in_two_lines(options, what) -> None:
    done = replay(LOG, *options)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert what in lines[0]
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "speed"), [("max", None), ("1x", 1.0), ("2.5", 2.5), ("1000x", 1_000.0)]
)
def test_a_speed_is_said_as_a_number(text, speed) -> None:
    assert speed_of(text) == speed


@pytest.mark.parametrize("text", ["", "0", "-1x", "nan", "inf", "1001x", "x"])
def test_a_speed_that_is_none_is_refused(text) -> None:
    with pytest.raises(SettingInvalid):
        speed_of(text)


def test_the_clock_of_a_recording_never_goes_back() -> None:
    clock = RecordedClock()
    for time_us in (5, 3, 7):
        clock.follow(Tally(), time_us)
        assert clock.now_us() == max(5, time_us)


def test_a_data_directory_without_a_car_is_refused_when_it_was_typed(tmp_path) -> None:
    done = replay(LOG, "--data", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "A data directory is named, and no car that runs there.",
        "Say which with --car, or leave out --data.",
    ]
    environment = {**os.environ, "MONOCOQUE_DATA": str(tmp_path)}
    words = [str(MONOCOQUE), "car", "replay", str(LOG), "--json"]
    assert subprocess.run(words, capture_output=True, env=environment, timeout=60).returncode == 0
