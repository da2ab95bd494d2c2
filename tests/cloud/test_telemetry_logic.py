"""What is taken of frames that come twice, late, or wrong."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.cloud.telemetry.logic import (
    CAR_BUCKETS,
    Bounds,
    Came,
    Place,
    bucket_of,
    decode,
    is_taken,
    refusal_of_shape,
    rows_of,
    with_oldest,
    with_taken,
)
from monocoque.contracts.errors import MessageFromTheFuture, MessageMalformed
from monocoque.contracts.wire.telemetry_pb2 import Frames, FramesInBulk

DAY_US = 86_400_000_000
NOW_US = 20_000 * DAY_US
BOUNDS = Bounds(latest_us=NOW_US, span_ms_max=3_600_000)


def bulk(rows=((1, 0, 2.5),), sequence=1, begins_at_us=NOW_US - DAY_US, texts=None, oldest=1):
    """Frames with these rows: signal, offset in ms, value."""
    ids, offsets, values = zip(*rows, strict=True)
    said = Frames(
        sequence=sequence,
        begins_at_us=begins_at_us,
        signal_ids=ids,
        offsets_ms=offsets,
        values=values,
        texts=texts or {},
        oldest_sequence=oldest,
    )
    return FramesInBulk.FromString(said.SerializeToString())


# --- places ---------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 12), max_size=40))
def test_whatever_the_order_each_sequence_is_taken_once(sequences):
    place, taken = Place(), []
    for sequence in sequences:
        if not is_taken(place, sequence):
            taken.append(sequence)
            place = with_taken(place, sequence)
    assert sorted(taken) == sorted(set(sequences))
    held = set(range(1, place.last + 1)) | place.ahead
    assert held == set(sequences)
    assert place.last + 1 not in held


def test_what_is_missing_before_the_oldest_is_lost_and_counted_once():
    place = with_taken(with_taken(Place(2), 5), 9)
    place, lost = with_oldest(place, 8)
    assert (place, lost) == (Place(7, frozenset({9})), 4)  # 3, 4, 6 and 7; 5 was here
    assert with_oldest(place, 8) == (place, 0)
    assert with_oldest(place, 0) == (place, 0)
    assert with_taken(place, 8) == Place(9)


def test_an_oldest_that_was_taken_ahead_closes_the_gap():
    assert with_oldest(Place(0, frozenset({4, 5, 7})), 4) == (Place(5, frozenset({7})), 3)


# --- shape ------------------------------------------------------------------------------------


def test_a_frame_of_the_right_shape_is_not_refused():
    assert refusal_of_shape(bulk(((1, 0, 1.0), (2, 5, 0.0)), texts={1: "green"})) is None


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"signal_ids": b""}, id="no signals"),
        pytest.param({"signal_ids": bytes(5)}, id="half a signal"),
        pytest.param({"signal_ids": bytes(8)}, id="more signals than values"),
        pytest.param({"offsets_ms": bytes(8)}, id="more offsets than signals"),
        pytest.param({"offsets_ms": b""}, id="no offsets"),
        pytest.param({"values": bytes(16)}, id="more values than signals"),
        pytest.param({"values": bytes(9)}, id="a value and a byte"),
        pytest.param({"sequence": 0}, id="no sequence"),
        pytest.param({"oldest_sequence": 2}, id="older than its oldest"),
        pytest.param({"texts": {1: "beside"}}, id="a text beside the arrays"),
        pytest.param({"texts": {0: "a\0b"}}, id="a text with a NUL"),
    ],
)
def test_a_frame_of_a_wrong_shape_is_refused(changes):
    frames = bulk()
    for name, value in changes.items():
        if name == "texts":
            frames.texts.update(value)
        else:
            setattr(frames, name, value)
    assert isinstance(refusal_of_shape(frames), MessageMalformed)


def test_arrays_that_are_not_packed_are_refused_and_not_read_as_nothing():
    unpacked = b"\x25" + struct.pack("<I", 1) + b"\x2d" + struct.pack("<i", 0)
    frames = FramesInBulk.FromString(unpacked + b"\x31" + struct.pack("<d", 1.0) + b"\x10\x01")
    assert isinstance(refusal_of_shape(frames), MessageMalformed)


# --- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "begins_at_us", "refused"),
    [
        pytest.param(((1, 0, float("nan")),), 0, MessageMalformed, id="no number"),
        pytest.param(((1, 0, 1.0), (1, 0, float("-inf"))), 0, MessageMalformed, id="infinite"),
        pytest.param(((1, -1, 1.0),), 0, MessageMalformed, id="before its beginning"),
        pytest.param(((1, 3_600_001, 1.0),), 0, MessageMalformed, id="an hour later"),
        pytest.param(((1, 0, 1.0),), NOW_US + 1, MessageFromTheFuture, id="from the future"),
        pytest.param(((1, 1, 1.0),), NOW_US, MessageFromTheFuture, id="its end in the future"),
    ],
)
def test_a_frame_that_is_wrong_in_one_value_is_refused_and_no_other(rows, begins_at_us, refused):
    came = [
        Came("car_a", bulk()),
        Came("car_b", bulk(rows, begins_at_us=begins_at_us)),
        Came("car_c", bulk(((2**32 - 1, 3_600_000, 1e300),))),
    ]
    decoded, refusals = decode(came, BOUNDS)
    assert {index: type(why) for index, why in refusals.items()} == {1: refused}
    assert list(np.unique(decoded.frame)) == [0, 1, 2]


def test_no_frames_are_no_rows():
    decoded, refusals = decode([], BOUNDS)
    assert (len(decoded.value), refusals) == (0, {})


def test_rows_are_sorted_by_car_signal_and_time_and_keep_what_belongs_together():
    came = [
        Came("car_b", bulk(((7, 20, 1.0), (5, 10, 2.0), (7, 10, 0.0)), 4, 0, {2: "green"})),
        Came("car_a", bulk(((9, 0, 4.0),), 2, DAY_US + 5)),
        Came("car_c", bulk(((1, 0, 5.0),), 3, 0)),
    ]
    decoded, _ = decode(came, BOUNDS)
    rows = rows_of(came, decoded, [0, 1])

    def read(words):
        return [words.words[place] for place in words.places]

    assert read(rows.car_id) == ["car_a", "car_b", "car_b", "car_b"]
    assert list(rows.signal_id) == [9, 5, 7, 7]
    assert list(rows.measured_us) == [DAY_US + 5, 10_000, 10_000, 20_000]
    assert list(rows.value) == [4.0, 2.0, 0.0, 1.0]
    assert read(rows.text) == [None, None, "green", None]
    assert list(rows.sequence) == [2, 4, 4, 4]
    assert read(rows.date) == ["1970-01-02", "1970-01-01", "1970-01-01", "1970-01-01"]
    assert list(rows.car_bucket) == [bucket_of(car) for car in read(rows.car_id)]


def test_a_car_is_in_the_same_bucket_for_ever():
    assert [bucket_of(f"car_{letter}") for letter in "abcd"] == [5, 7, 1, 2]
    assert CAR_BUCKETS == 8
