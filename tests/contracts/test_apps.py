"""Manifests of apps: what they may say, and what is refused by its own error."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts import signals
from monocoque.contracts.apps import (
    LINE_BYTES_MAX,
    MANIFEST_BYTES_MAX,
    MARKETS_MAX,
    SIGNALS_MAX,
    Access,
    Limits,
    Manifest,
    SignalWish,
    Word,
    check_for_car,
    read_line,
    read_manifest,
    write_line,
    write_manifest,
)
from monocoque.contracts.errors import (
    AppAsksTooMuch,
    AppMalformed,
    AppMarketWrong,
    AppSignalUnknown,
)

CAMP = Manifest(
    name="camp-mode",
    version="1.2.10",
    publisher="Example & Co.",
    purpose="Keeps the cabin warm through the night.",
    entry="app:CampMode",
    signals=(
        SignalWish("Vehicle.Speed", Access.READ),
        SignalWish(signals.IS_CLIMATE_ON.path, Access.ACTUATE),
    ),
    markets=("DE", "US"),
    limits=Limits(memory_mb=128, cpu_percent=10, start_s=5),
)
KNOWN = {each.path: each for each in signals.SIGNALS}.get


def with_members(**members):
    """The bytes of a manifest that says something else; None leaves a member out."""
    said = json.loads(write_manifest(CAMP)) | members
    return json.dumps({name: value for name, value in said.items() if value is not None}).encode()


def test_a_manifest_is_read_as_it_was_written():
    assert read_manifest(write_manifest(CAMP)) == CAMP
    assert CAMP.numbers() == (1, 2, 10)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"name": "Camp"}, "name in the manifest"),
        ({"name": "-" * 10}, "name in the manifest"),
        ({"version": "1.2"}, "version in the manifest"),
        ({"version": 1}, "version in the manifest"),
        ({"publisher": "\n\n"}, "publisher in the manifest"),
        ({"purpose": "short"}, "purpose in the manifest"),
        ({"entry": "../app:X"}, "entry in the manifest"),
        ({"purpose": None}, "lacks purpose"),
        ({"root": True}, "'root', which nobody knows"),
        ({"signals": {}}, "signals in the manifest"),
        ({"signals": ["x"] * (SIGNALS_MAX + 1)}, "signals in the manifest"),
        ({"signals": ["Vehicle.Speed"]}, "is not an object"),
        ({"signals": [{"path": "Vehicle.Speed"}]}, "lacks access"),
        ({"signals": [{"path": 1, "access": "read"}]}, "no path and access"),
        ({"signals": [{"path": "Vehicle.Speed", "access": 1}]}, "no path and access"),
        ({"signals": [{"path": "Vehicle.*", "access": "read"}]}, "no path and access"),
        ({"signals": [{"path": "V.A" + "a" * 200, "access": "read"}]}, "no path and access"),
        ({"signals": [{"path": "Vehicle.Speed", "access": "create"}]}, "is no access"),
        ({"signals": [{"path": "Vehicle.Speed", "access": "read"}] * 2}, "a signal twice"),
        ({"markets": "DE"}, "markets in the manifest"),
        ({"markets": []}, "markets in the manifest"),
        ({"markets": ["DE"] * (MARKETS_MAX + 1)}, "markets in the manifest"),
        ({"markets": ["de"]}, "markets in the manifest"),
        ({"markets": [7]}, "markets in the manifest"),
        ({"limits": []}, "limits in the manifest is not"),
        ({"limits": {"memory_mb": 128, "cpu_percent": 10}}, "lacks start_s"),
        (
            {"limits": {"memory_mb": True, "cpu_percent": 10, "start_s": 1}},
            "memory_mb in the manifest is not a whole number",
        ),
    ],
)
def test_what_has_not_its_form_is_refused_by_name(members, said):
    with pytest.raises(AppMalformed) as refused:
        read_manifest(with_members(**members))
    assert said in refused.value.what


@pytest.mark.parametrize("memory_mb", [63, 1_025])
def test_who_asks_for_more_than_there_is_hears_how_much_there_is(memory_mb):
    limits = {"memory_mb": memory_mb, "cpu_percent": 10, "start_s": 1}
    with pytest.raises(AppAsksTooMuch, match="memory_mb"):
        read_manifest(with_members(limits=limits))


def test_what_nobody_would_read_is_not_written():
    with pytest.raises(AppAsksTooMuch):
        write_manifest(
            Manifest("ab", "1.0.0", "me", "x" * 10, "app:A", (), limits=Limits(cpu_percent=101))
        )


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b'{"name": 1.5}', b'{"a":1,"a":2}', b"\xff"])
def test_what_is_no_strict_json_is_refused(data):
    with pytest.raises(AppMalformed):
        read_manifest(data)


def test_a_manifest_has_a_size():
    with pytest.raises(AppMalformed, match="at most"):
        read_manifest(b" " * (MANIFEST_BYTES_MAX + 1))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_manifest_or_refused(data):
    with pytest.raises(AppMalformed):
        read_manifest(data)


def test_a_car_takes_what_is_for_its_market_and_its_signals():
    check_for_car(CAMP, "DE", KNOWN)
    with pytest.raises(AppMarketWrong, match=r"DE, US.*CN"):
        check_for_car(CAMP, "CN", KNOWN)
    everywhere = read_manifest(with_members(markets=["*"]))
    check_for_car(everywhere, "CN", KNOWN)


def test_a_signal_that_the_car_has_not_is_refused_by_its_path():
    foreign = read_manifest(with_members(signals=[{"path": "Vehicle.Wings", "access": "read"}]))
    with pytest.raises(AppSignalUnknown, match="Wings"):
        check_for_car(foreign, "DE", KNOWN)


def test_a_sensor_cannot_be_actuated():
    wish = [{"path": "Vehicle.Speed", "access": "actuate"}]
    with pytest.raises(AppSignalUnknown, match="a sensor"):
        check_for_car(read_manifest(with_members(signals=wish)), "DE", KNOWN)


def test_a_line_over_the_pipe_is_read_as_it_was_written():
    line = write_line(Word.FAILED, reason="memory")
    assert line.endswith(b"\n")
    assert len(line) < LINE_BYTES_MAX
    assert read_line(line) == (Word.FAILED, {"word": "failed", "reason": "memory"})


@pytest.mark.parametrize("line", [b"", b"x", b"{}", b'{"word":"dance"}', b'{"word":["beat"]}'])
def test_a_line_that_says_nothing_is_refused(line):
    with pytest.raises(AppMalformed):
        read_line(line)
