"""The mapping file: what it takes, and how it names what it does not take."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.car.can.logic.mapping import BusMapping, InRow, OutRow, Scale, parse_mapping
from monocoque.car.can.logic.strict_yaml import DEPTH_MAX, NODES_MAX, read_yaml
from monocoque.contracts.errors import CanMappingWrong
from tests.car.can_samples import ROWS_IN, ROWS_OUT, text_of

ROW = "{signal: A.B, message: M, field: F"


def refusal(text, rows_max=100):
    with pytest.raises(CanMappingWrong) as caught:
        parse_mapping(text, rows_max)
    return caught.value.what


def row_in(more):
    return f"version: 1\nfrom_bus:\n  - {ROW}{more}}}\n"


def row_out(more):
    return f"version: 1\nto_bus:\n  - {ROW}{more}}}\n"


def test_a_row_has_all_that_was_written() -> None:
    text = """
version: 1
from_bus:
  - signal: Vehicle.Speed
    message: Fast
    field: Speed
    factor: 1.5
    offset: -3
    skip: [SNA, 0xFF]
    publish: change
    interval_ms: 100
    hysteresis: 0.5
to_bus:
  - signal: Vehicle.Mode
    message: Command
    field: Mode
    values: {OFF: false, 1: true}
    with: {Counter: 3, Valid: true, Kind: on}
"""
    assert parse_mapping(text, 2) == BusMapping(
        (
            InRow("Row 1 of from_bus (line 4)", "Vehicle.Speed", "Fast", "Speed", Scale(1.5, -3),
                  {}, ("SNA", 255), "change", 100, 0.5),
        ),
        (
            OutRow("Row 1 of to_bus (line 14)", "Vehicle.Mode", "Command", "Mode", Scale(),
                   {"OFF": False, 1: True}, {"Counter": 3, "Valid": 1, "Kind": "on"}),
        ),
    )  # fmt: skip


def test_a_file_may_have_one_direction_alone() -> None:
    assert len(parse_mapping(text_of(ROWS_IN), 4).rows_in) == 4
    assert parse_mapping(row_out(""), 1).rows_in == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "There is nothing in it"),
        ("# only a word to the reader", "There is nothing in it"),
        ("- 1", "no table of members"),
        ("from_bus: []", "version None; 1 is known"),
        ("version: 2", "version 2; 1 is known"),
        ("version: 1", "no row in it"),
        ("version: 1\nfrom_bus: 5", "from_bus cannot be 5"),
        ("version: 1\nfrom_bus: {a: 1}", "from_bus cannot be {'a': '…'}"),
        ("version: 1\nfrom_bus: [x]", "Row 1 of from_bus (line 2) is no table"),
        (
            "version: 1\nfrom_bus:\n  - {message: M}",
            "Row 1 of from_bus (line 3): signal is missing",
        ),
        ("version: 1\nspeed: 3", "nobody knows the member 'speed'"),
        ("version: 1\nversion: 1", "Line 2: 'version' stands there twice"),
        ("version: 1\nfrom_bus: &a [*a]", "Line 2: anchors and aliases"),
        ("version: 1\nfrom_bus: [*a]", "Line 2: anchors and aliases"),
        ("version: !!python/object:os.system 1", "Line 1: tags are not taken"),
        ("version: 1\n---\nversion: 1", "Line 2: a second document"),
        ("version: 1\nfrom_bus: [", "is no YAML"),
        ("version: 1\x00", "a character that YAML does not have"),
        ('version: "\\UFFFFFFFF"', "is no YAML"),
        ("[1]: 2", "a member has no plain name"),
        ("version: 1e999", "a number that is too large"),
        ("[" * (DEPTH_MAX + 1), f"deeper than {DEPTH_MAX}"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(text, what) -> None:
    assert what in refusal(text)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (", speed: 1", "nobody knows the member 'speed'"),
        (", with: {A: 1}", "nobody knows the member 'with'"),
        (", factor: 0", "a factor of 0"),
        (", factor: x", "factor cannot be 'x'"),
        (", factor: true", "factor cannot be True"),
        (", factor: 1e16", "factor cannot be 1e+16"),
        (", factor: null", "factor cannot be None"),
        (", factor: 2, unit: mph", "a unit brings its own"),
        (", offset: 2, unit: mph", "a unit brings its own"),
        (", unit: ''", "unit cannot be ''"),
        (", publish: sometimes", "publish cannot be 'sometimes'"),
        (", publish: [a, b]", "publish cannot be ['…', '…']"),
        (", interval_ms: 0", "interval_ms cannot be 0"),
        (", interval_ms: 1.5", "interval_ms cannot be 1.5"),
        (", interval_ms: 3600001", "interval_ms cannot be"),
        (", hysteresis: -1", "hysteresis cannot be -1"),
        (", hysteresis: a", "hysteresis cannot be 'a'"),
        (", hysteresis: 1, publish: always", "a hysteresis says which changes"),
        (", values: {}", "values cannot be {}"),
        (", values: [1]", "values cannot be"),
        (", values: {1: [2]}", "values cannot be"),
        (", values: {1: null}", "values cannot be"),
        (", values: {1: 2}, factor: 3", "a table of values stands alone"),
        (", values: {1: 2}, hysteresis: 3", "a table of values stands alone"),
        (", values: {1: 2}, skip: [1]", "a table of values stands alone"),
        (", skip: []", "skip cannot be"),
        (", skip: 1", "skip cannot be 1"),
        (", skip: [1.5]", "skip cannot be"),
        (", unit: " + "x" * 1_001, "unit cannot be 'xxx"),
    ],
)
def test_a_row_that_is_wrong_is_named_with_what_is_wrong(more, what) -> None:
    said = refusal(row_in(more))
    assert said.startswith("Row 1 of from_bus (line 3): ")
    assert what in said
    assert len(said) < 200


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (", publish: change", "nobody knows the member 'publish'"),
        (", values: {1: true, 2: true}", "two values of the bus mean the same"),
        (", values: {1: true}, offset: 1", "a table of values is not scaled"),
        (", with: {F: 1}", "'F' is the field itself"),
        (", with: {}", "with cannot be"),
        (", with: 1", "with cannot be 1"),
        (", with: {A: 1.5}", "with cannot be"),
        (", with: {1: 1}", "with cannot be"),
    ],
)
def test_a_row_of_the_way_out_that_is_wrong_is_named(more, what) -> None:
    said = refusal(row_out(more))
    assert said.startswith("Row 1 of to_bus (line 3): ")
    assert what in said


def test_two_rows_for_one_signal_are_both_named() -> None:
    said = refusal(text_of(ROWS_IN + ROWS_IN))
    assert said.startswith("Row 5 of from_bus")
    assert "Row 1 of from_bus" in said


def test_one_signal_may_come_in_and_go_out() -> None:
    assert len(parse_mapping(text_of(ROWS_IN, ROWS_OUT), 10).rows_out) == 2


def test_more_rows_than_the_limit_are_refused() -> None:
    assert "more than 5 rows" in refusal(text_of(ROWS_IN, ROWS_OUT), rows_max=5)


def test_more_values_than_the_limit_are_refused() -> None:
    assert f"more than {NODES_MAX} values" in refusal(f"[{'1,' * NODES_MAX}1]")


def test_words_that_older_yaml_takes_for_others_stay_words() -> None:
    node = read_yaml("[on, no, 2020-01-01, 0o7, '1', \"true\", ~, '', .5, -1e3, +7, 0x1f, 1_000]")
    assert [each.value for each in node.value] == [
        "on", "no", "2020-01-01", "0o7", "1", "true", None, "", 0.5, -1000.0, 7, 31, "1_000",
    ]  # fmt: skip


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_text_raises_anything_but_our_error(text) -> None:
    with contextlib.suppress(CanMappingWrong):
        parse_mapping(text, 10)


WORDS = st.sampled_from(
    ["version: 1\n", "from_bus:\n", "to_bus:\n", "  - ", "signal: A.B\n", "    message: M\n",
     "    field: F\n", "    values: {", "P: 126", "}", "[", "]", "&a ", "*a", "!!int ", "---\n",
     "factor: ", "1", "-", "0x", "1e5", "'", '"', "\\U00110000", "%YAML 9.9\n", "? ", ": ", "|\n",
     ", ", "\t", "\x85", "null", "{}", "with: {A: 1}\n", "\ufeff"]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(WORDS, max_size=30))
def test_no_row_of_yaml_words_raises_anything_but_our_error(words) -> None:
    with contextlib.suppress(CanMappingWrong):
        parse_mapping("".join(words), 10)
