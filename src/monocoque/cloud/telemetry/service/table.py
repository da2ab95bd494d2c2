"""The table of values in the lake, and rows as a batch for it.

Rules: one row per value; the date is the day of ``measured_at`` in UTC; ``sequence`` is the
frame's, so that whoever doubts can count a car's frames. Columns are added, never changed.

Left out on purpose: names of signals, which contracts/signals.py has.
"""

from typing import Final

from monocoque.cloud.telemetry.logic import Rows, Words
from monocoque.plumbing.lake.port import Batch, Kind, LakeTable, Texts

VALUES: Final = LakeTable(
    name="telemetry_values",
    columns={
        "date": Kind.TEXT,
        "car_bucket": Kind.WHOLE,
        "car_id": Kind.TEXT,
        "signal_id": Kind.WHOLE,
        "measured_at": Kind.TIME,
        "value": Kind.FRACTION,
        "text": Kind.TEXT,
        "sequence": Kind.WHOLE,
    },
    divided_by=("date", "car_bucket"),
)


def batch_of(number: int, rows: Rows) -> Batch:
    """These rows under this number."""
    return Batch(
        number,
        {
            "date": _texts(rows.date),
            "car_bucket": rows.car_bucket,
            "car_id": _texts(rows.car_id),
            "signal_id": rows.signal_id,
            "measured_at": rows.measured_us,
            "value": rows.value,
            "text": _texts(rows.text),
            "sequence": rows.sequence,
        },
    )


def _texts(words: Words) -> Texts:
    return Texts(words.words, words.places)
