"""Messages that are read and written as rows of pieces are those of the protobuf library."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.car.kuksa.logic import pieces, reading, writing
from monocoque.car.kuksa.logic.reading import Reader, read_published
from monocoque.car.kuksa.logic.values import read_time_us, read_value, write_time, write_value
from monocoque.car.kuksa.logic.writing import Writer, write_published
from monocoque.contracts.signals import DataType
from monocoque.contracts.wire import kuksa_v2_pb2 as v2

NOW_US = 1_700_000_000_000_000
TIME_US = 1_700_000_000_123_456
TYPES = {
    "string": DataType.STRING,
    "bool": DataType.BOOLEAN,
    "int32": DataType.INT32,
    "int64": DataType.INT64,
    "uint32": DataType.UINT32,
    "uint64": DataType.UINT64,
    "float": DataType.FLOAT,
    "double": DataType.DOUBLE,
}
VALUES = {
    "string": st.text(max_size=200),
    "bool": st.booleans(),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "uint32": st.integers(0, 2**32 - 1),
    "uint64": st.integers(0, 2**64 - 1),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
}
NUMBERS = st.integers(1, 2**31 - 1)
TIMES = st.integers(0, 2**55)
points = st.one_of(*(st.tuples(st.just(m), each, TIMES) for m, each in VALUES.items()))
batches = st.dictionaries(NUMBERS, points, min_size=1, max_size=8)


def message_of(batch, request_id=0):
    """A provider's message, as the library makes it."""
    message = v2.OpenProviderStreamRequest()
    message.publish_values_request.request_id = request_id
    for number, (member, value, time_us) in batch.items():
        point = message.publish_values_request.data_points[number]
        write_time(point.timestamp, time_us)
        write_value(point.value, TYPES[member], value)
    return message


def said_by(message):
    """Number, value and time of each entry, as the library reads them."""
    return {
        number: (read_value(point.value, "typed_value"), read_time_us(point, NOW_US))
        for number, point in message.publish_values_request.data_points.items()
    }


def as_read(found):
    """The same, of what a reader found."""
    _, (numbers, values, times_us) = found
    return {n: (v, t) for n, v, t in zip(numbers, values, times_us, strict=True)}


@settings(deadline=None)
@given(batches, st.integers(0, 2**32 - 1))
def test_what_the_library_wrote_is_read_alike_or_left_to_it(batch, request_id):
    message = message_of(batch, request_id)
    data = message.SerializeToString()
    reader, found = Reader(b"\x12"), None
    for _ in range(2):
        found = read_published(reader, data, NOW_US)
        if found is not None:
            assert found[0] == request_id
            assert as_read(found) == said_by(message)
    seconds_are_said = all(time_us >= 1_000_000 for _, _, time_us in batch.values())
    assert found is not None or not seconds_are_said


@settings(deadline=None)
@given(batches, st.booleans())
def test_what_is_written_is_read_alike_by_the_library(batch, is_named):
    members = {number: member for number, (member, _, _) in batch.items()}
    paths = {number: f"Vehicle.N{number}" for number in batch} if is_named else {}
    writer = Writer(b"\x0a", members, paths)
    values = [value for _, value, _ in batch.values()]
    times_us = [time_us for _, _, time_us in batch.values()]
    for _ in range(2):
        data = writer.write(tuple(batch), values, times_us)
        kind = v2.SubscribeResponse if is_named else v2.SubscribeByIdResponse
        entries = kind.FromString(data).entries
        assert {
            paths.get(number, number): (value, time_us)
            for number, (_, value, time_us) in batch.items()
        } == {
            key: (read_value(point.value, "typed_value"), read_time_us(point, NOW_US))
            for key, point in entries.items()
        }


@settings(deadline=None)
@given(batches, st.integers(0, 2**32 - 1))
def test_what_is_published_is_read_alike_by_the_library(batch, request_id):
    writer = Writer(b"\x12", {number: member for number, (member, _, _) in batch.items()}, {})
    values = [value for _, value, _ in batch.values()]
    entries = writer.write(tuple(batch), values, [TIME_US] * len(batch))
    message = v2.OpenProviderStreamRequest.FromString(write_published(request_id, entries))
    assert message.publish_values_request.request_id == request_id
    expected = {number: (value, TIME_US) for number, (_, value, _) in batch.items()}
    assert said_by(message) == expected


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_no_bytes_are_read_otherwise_than_the_library_reads_them(noise, at):
    data = bytearray(
        message_of({3: ("float", 1.0, TIME_US), 4: ("bool", True, TIME_US)}).SerializeToString()
    )
    data[at : at + len(noise)] = noise
    agrees(bytes(data))


@settings(deadline=None)
@given(batches, st.data())
def test_one_wrong_byte_is_read_as_the_library_reads_it(batch, drawn):
    good = message_of(batch).SerializeToString()
    data = bytearray(good)
    data[drawn.draw(st.integers(0, len(data) - 1))] = drawn.draw(st.integers(0, 255))
    agrees(good, bytes(data))


def agrees(*messages):
    """Whatever the reader finds in these, the library finds too."""
    reader = Reader(b"\x12")
    for data in messages:
        found = read_published(reader, data, NOW_US)
        if found is None:
            continue
        message = v2.OpenProviderStreamRequest.FromString(data)
        assert found[0] == message.publish_values_request.request_id
        theirs, ours = said_by(message), as_read(found)
        assert repr(ours) == repr(theirs) or ours == theirs


def entry(*, key=b"\x08\x01", time=b"\x0a\x02\x08\x05", value=b"\x12\x02\x60\x01", more=b""):
    """One entry of a map, whole or wrong."""
    point = time + value + more
    inside = key + b"\x12" + bytes((len(point),)) + point
    return b"\x0a" + bytes((len(inside),)) + inside


def text(size):
    """An entry with a text of so many characters."""
    return entry(key=b"\x08\x02", value=bytes((0x12, size + 2, 0x5A, size)) + b"x" * size)


ARRAY = entry(key=b"\x08\x03", value=b"\x12\x03\x8d\x01\x00")
"""What is never learnt."""


def test_of_shapes_that_begin_alike_some_are_learnt_now_and_all_in_time():
    told = [entry() + text(size) for size in range(9)]
    reader = Reader(b"\x0a")
    found = [reader.read(data, 0, NOW_US) is not None for data in told]
    assert found == [True, False, False, False] * 2 + [True]
    for _ in range(reading.LEARN_EVERY * len(told)):
        found = [reader.read(data, 0, NOW_US) is not None for data in told]
    assert all(found)


def test_what_can_never_be_learnt_takes_no_turn_of_what_begins_otherwise():
    reader = Reader(b"\x0a")
    for _ in range(reading.LEARN_SELDOM):
        assert reader.read(ARRAY, 0, NOW_US) is None
        assert reader.read(entry(), 0, NOW_US) is not None


@pytest.mark.parametrize("others", range(1, 12))
def test_what_can_never_be_learnt_does_not_keep_what_begins_alike_from_it(others):
    reader, told = Reader(b"\x0a"), [entry() + text(size) for size in range(others)]
    found: list[bool] = []
    for _ in range(20 * others):
        assert reader.read(entry() + ARRAY, 0, NOW_US) is None
        found = [reader.read(data, 0, NOW_US) is not None for data in told]
    assert all(found)


def test_what_is_never_learnt_is_tried_less_and_less_and_never_quite_given_up():
    reader, mark = Reader(b"\x0a"), ARRAY[: reading.MARK_BYTES]
    waits = []
    for _ in range(reading.LEARN_SELDOM**2):
        reader.read(ARRAY, 0, NOW_US)
        waits.append(reader._turns[mark].every)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (reading.LEARN_EVERY + 1, reading.LEARN_SELDOM)


def sets_of_signals(count, size):
    """Messages about so many sets of signals of this size; no signal is in two."""
    entries = [entry(key=b"\x08" + pieces.write_varint(1 + at)) for at in range(count * size)]
    return [b"".join(entries[size * at : size * (at + 1)]) for at in range(count)]


def test_one_that_many_share_remembers_all_that_they_hear():
    told = sets_of_signals(20, 250)
    own, shared = Reader(b"\x0a"), Reader(b"\x0a", reading.OF_MANY)
    found: dict[str, list[bool]] = {}
    for _ in range(3):
        found = {
            name: [reader.read(data, 0, NOW_US) is not None for data in told]
            for name, reader in (("own", own), ("shared", shared))
        }
    assert all(found["shared"])
    assert not all(found["own"])
    assert 0 < own._entries_kept <= reading.OF_ONE.entries_kept_max


def test_of_shapes_that_begin_alike_too_many_are_forgotten_and_no_others():
    reader = Reader(b"\x0a")
    assert reader.read(text(3), 0, NOW_US) is not None
    for data in [entry() + text(size) for size in range(40)] * reading.LEARN_EVERY:
        reader.read(data, 0, NOW_US)
    alike = reader._shapes[entry()[: reading.MARK_BYTES]]
    assert 0 < len(alike) <= reading.OF_ONE.shapes_alike_max
    assert reader._shapes[text(3)[: reading.MARK_BYTES]]
    assert reader._entries_kept == 1 + 2 * len(alike)


def test_no_more_beginnings_are_counted_than_may_be():
    reader = Reader(b"\x0a")
    for data in sets_of_signals(reading.MARKS_COUNTED_MAX + 10, 1):
        assert reader.read(data, 0, NOW_US) is not None
    assert 0 < len(reader._turns) <= reading.MARKS_COUNTED_MAX


@pytest.mark.parametrize(
    "batch",
    [
        {},
        {1: ("float", 1.0, 0)},
        {1: ("float", 1.0, 5)},
    ],
)
def test_what_is_unusual_is_left_to_the_library(batch):
    data = message_of(batch).SerializeToString()
    assert read_published(Reader(b"\x12"), data, NOW_US) is None


def test_a_datapoint_without_a_time_is_of_now_and_an_array_is_unusual():
    message = v2.OpenProviderStreamRequest()
    message.publish_values_request.data_points[1].value.bool = False
    data = message.SerializeToString()
    assert read_published(Reader(b"\x12"), data, NOW_US) == (0, ((1,), [False], [NOW_US]))
    message.publish_values_request.data_points[2].value.bool_array.values.append(True)
    assert read_published(Reader(b"\x12"), message.SerializeToString(), NOW_US) is None
    assert Writer(b"\x0a", {1: "bool_array"}, {}).write((1,), [(True,)], [1]) is None


def test_a_fraction_too_large_for_its_member_is_left_to_the_library():
    assert Writer(b"\x0a", {1: "float"}, {}).write((1,), [1e300], [TIME_US]) is None


def test_a_writer_forgets_what_is_too_much():
    members = dict.fromkeys(range(1, 400), "string")
    writer = Writer(b"\x0a", members, {})
    for number in members:
        assert writer.write((number,), ["x" * number], [TIME_US])
    for size in range(200):
        assert writer.write((1,), ["x" * size], [TIME_US])
    assert len(writer._plans) <= writing.PLANS_MAX
    assert len(writer._plans[(1,)].rows) <= writing.ROWS_MAX


def test_times_of_every_length_are_written_as_the_library_does():
    for time_us in (0, 1, 999_999, 1_000_000, TIME_US, -1, -1_500_000):
        point = v2.Datapoint()
        write_time(point.timestamp, time_us)
        assert pieces.write_time(time_us) == point.timestamp.SerializeToString()
    assert math.isclose(pieces.read_time_us(pieces.write_time(TIME_US)), TIME_US)


def test_an_entry_that_is_made_by_hand_is_read():
    assert Reader(b"\x0a").read(entry(), 0, NOW_US) == ((1,), [True], [5_000_000])


@pytest.mark.parametrize(
    "data",
    [
        entry()[:-1],
        entry(key=b"\x08" + b"\xff" * 9 + b"\x01"),
        entry(key=b"\x10\x01"),
        entry(time=b"\x0a\x00"),
        entry(time=b"\x0a\x02\x10\x05"),
        entry(time=b"\x0a\x04\x08\x05\x08\x05"),
        entry(time=b"\x0a\x0b\x08" + b"\xff" * 9 + b"\x01"),
        entry(time=b"\x0a\x0b\x08" + b"\xff" * 10),
        entry(value=b"\x12\x03\x60\x01\x00"),
        entry(value=b"\x12\x02\x60\x02"),
        entry(value=b"\x12\x02\x61\x01"),
        entry(value=b"\x12\x02\x08\x01"),
        entry(value=b"\x12\x06\x78\xff\xff\xff\xff\x7f"),
        entry(value=b"\x12\x04\x5a\x02\xff\xfe"),
        entry(value=b"\x12\x03\x8d\x01\x00"),
        entry(more=b"\x12\x00"),
        entry() + b"\x0a",
        entry() + entry(),
        entry() + entry(time=b"\x0a\x02\x08\x06"),
        b"\x0a\x0c\x08\x01\x12\x08\x12\x06\x8d\x01\x00\x00",
        b"\x0a\x04\x08\x01\x12\x02",
        b"\x0a\x7f" + entry()[2:],
    ],
)
def test_what_has_not_exactly_the_usual_form_is_not_read(data):
    assert Reader(b"\x0a").read(data, 0, NOW_US) is None


def test_a_known_shape_with_a_wrong_time_or_value_is_not_read():
    reader = Reader(b"\x0a")
    assert reader.read(entry(), 0, NOW_US) is not None
    assert reader.read(entry(value=b"\x12\x02\x60\x05"), 0, NOW_US) is None
    assert reader.read(entry(time=b"\x0a\x02\x10\x05"), 0, NOW_US) is None
    assert reader.read(entry()[:-1], 0, NOW_US) is None


def test_one_run_may_come_behind_another_and_neither_twice():
    first, second = entry(), entry(key=b"\x08\x02", time=b"\x0a\x02\x08\x06")
    reader = Reader(b"\x0a")
    for _ in range(2):
        assert reader.read(first + second, 0, NOW_US) == (
            (1, 2),
            [True, True],
            [5_000_000, 6_000_000],
        )


def test_one_run_whose_shape_has_several_times_is_read_with_each():
    reader = Reader(b"\x0a")
    one, two = entry(), entry(key=b"\x08\x02")
    later = entry(key=b"\x08\x02", time=b"\x0a\x02\x08\x06")
    assert reader.read(one + two, 0, NOW_US) == ((1, 2), [True, True], [5_000_000] * 2)
    assert reader.read(one + later, 0, NOW_US) == ((1, 2), [True, True], [5_000_000, 6_000_000])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x0a\x00",
        b"\x12\x05\x08",
        b"\x12" + b"\xff" * 11,
        b"\x12\x01\x08",
        b"\x12\x07\x08\xff\xff\xff\xff\x7f" + b"\x00",
        b"\x12\x00",
    ],
)
def test_a_message_that_is_no_publication_is_left_to_the_library(data):
    assert read_published(Reader(b"\x12"), data, NOW_US) is None


def test_a_publication_with_a_number_that_is_too_large_is_left_to_the_library():
    entries = b"\x12" + entry()[1:]
    said = b"\x08\xff\xff\xff\xff\x7f" + entries
    data = b"\x12" + bytes((len(said),)) + said
    assert read_published(Reader(b"\x12"), data, NOW_US) is None


def _altered(data):
    """Every message that is this one with one byte other, missing, or nothing behind it."""
    for place in range(len(data)):
        for byte in (0, 1, 2, 5, 0x12, 0x7F, 0x80, 0xFF):
            yield data[:place] + bytes((byte,)) + data[place + 1 :]
        yield data[:place] + data[place + 1 :]
        yield data[:place]


@pytest.mark.parametrize("is_known", [False, True])
def test_no_altered_byte_is_read_as_what_the_library_does_not_read(is_known):
    batch = {
        1: ("float", 0.5, TIME_US),
        300: ("string", "word", TIME_US),
        3: ("bool", True, TIME_US + 1_000_000),
        4: ("int32", -7, TIME_US),
        5: ("uint64", 2**40, 0),
    }
    data = message_of(batch, 9).SerializeToString()
    for wrong in _altered(data):
        reader = Reader(b"\x12")
        if is_known:
            read_published(reader, data, NOW_US)
        found = read_published(reader, wrong, NOW_US)
        if found is None:
            continue
        message = v2.OpenProviderStreamRequest.FromString(wrong)
        assert as_read(found) == said_by(message)
        assert found[0] == message.publish_values_request.request_id


def test_pieces_that_are_no_time_and_no_truth_are_refused():
    for wrong in (b"", b"\x10\x01", b"\x08" + b"\xff" * 9 + b"\x01", b"\x08\x01\x18\x01"):
        with pytest.raises(ValueError, match=r"\w"):
            pieces.read_time_us(wrong)
    assert pieces.read_time_us(b"\x08\x02") == 2_000_000
    assert pieces.READERS[12](b"\x00") is False
    with pytest.raises(ValueError, match="no truth"):
        pieces.READERS[12](b"\x02")


@pytest.mark.parametrize(
    ("piece", "number"), [(b"\x07", 7), (b"\x80\x01", 128), (b"\xff\x01", 255)]
)
def test_a_whole_number_is_all_of_its_piece(piece, number):
    assert pieces.read_whole(piece, 255) == number


@pytest.mark.parametrize("piece", [b"", b"\x80", b"\x07\x07", b"\x80\x02"])
def test_what_is_more_or_less_than_a_whole_number_or_too_large_is_refused(piece):
    with pytest.raises(ValueError, match="number"):
        pieces.read_whole(piece, 255)
