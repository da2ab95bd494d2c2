"""Views: another message for the same bytes, field by field."""

import struct

import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts import topics
from monocoque.contracts.views import CAR_FRAMES_IN_BULK, VIEWS
from monocoque.contracts.wire.telemetry_pb2 import Frames, FramesInBulk

FIXED = {
    FieldDescriptor.TYPE_FIXED32,
    FieldDescriptor.TYPE_SFIXED32,
    FieldDescriptor.TYPE_DOUBLE,
}
PACKED_AS_BYTES = "packed"


def wire_of(field):
    """What decides how a field looks on the wire."""
    if field.type == FieldDescriptor.TYPE_BYTES or (field.is_repeated and field.type in FIXED):
        return PACKED_AS_BYTES
    name = field.message_type.name if field.message_type else None
    return (field.type, name, field.is_repeated)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.message.DESCRIPTOR.name)
def test_a_view_has_the_fields_of_its_row(view):
    row = topics.find(view.pattern().replace("*", "x"))
    seen = {f.number: (f.name, wire_of(f)) for f in view.message.DESCRIPTOR.fields}
    said = {f.number: (f.name, wire_of(f)) for f in row.message.DESCRIPTOR.fields}
    assert seen == said
    assert (view.name, view.kept, view.read_by) == (row.name, row.kept, row.read_by)
    assert view.published_by == frozenset()


ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**32 - 1),
        st.integers(-(2**31), 2**31 - 1),
        st.floats(allow_nan=False),
    )
)


@given(rows=ROWS, texts=st.dictionaries(st.integers(0, 99), st.text()), sequence=st.integers(0))
def test_frames_are_the_same_bytes_to_either_reader(rows, texts, sequence):
    ids, offsets, values = zip(*rows, strict=True) if rows else ((), (), ())
    said = Frames(
        sequence=sequence % 2**64,
        begins_at_us=17,
        signal_ids=ids,
        offsets_ms=offsets,
        values=values,
        texts=texts,
        oldest_sequence=3,
    )
    seen = FramesInBulk.FromString(said.SerializeToString())
    assert seen.signal_ids == struct.pack(f"<{len(rows)}I", *ids)
    assert seen.offsets_ms == struct.pack(f"<{len(rows)}i", *offsets)
    assert seen.values == struct.pack(f"<{len(rows)}d", *values)
    assert (seen.sequence, seen.begins_at_us, seen.oldest_sequence) == (said.sequence, 17, 3)
    assert dict(seen.texts) == texts
    assert Frames.FromString(seen.SerializeToString()) == said
    assert CAR_FRAMES_IN_BULK.message is FramesInBulk
