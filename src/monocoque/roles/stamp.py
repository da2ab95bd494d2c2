"""The VERSION file: which version wrote a data directory, and whether an upgrade is under way.

Rules:

* ``format`` counts the layout, ``product`` is the version of Monocoque that wrote it last;
* a directory of a newer format or product is refused, and one of a format older than
  ``FORMAT_OLDEST``; refusing reads this file and touches nothing;
* while an upgrade is under way the file still names the old version, and the snapshot that was
  taken before it, so that a start after a power cut goes on and takes no snapshot of a half.

Left out on purpose: revisions of databases; each database knows its own.
"""

import json
import re
from dataclasses import dataclass

from monocoque.contracts.errors import (
    DatabaseCorrupted,
    DataDirectoryNewer,
    DataDirectoryOlder,
    SettingInvalid,
)
from monocoque.plumbing.files import storage_errors, write_atomically
from monocoque.roles.layout import Layout

FORMAT = 1
"""The layout that this version reads and writes."""
FORMAT_OLDEST = 1
"""The oldest layout that this version can carry forward."""


@dataclass(frozen=True)
class Stamp:
    """What the VERSION file says."""

    format: int
    product: str
    snapshot: str | None = None
    """During an upgrade: the folder in snapshots/ that holds what was before it."""


def read_stamp(layout: Layout) -> Stamp | None:
    """What the file says; None when there is no such file.

    Raises DatabaseCorrupted when it cannot be understood.
    """
    with storage_errors(layout.version):
        try:
            content = layout.version.read_bytes()
        except FileNotFoundError:
            return None
    try:
        fields = json.loads(content)
        snapshot = fields.get("snapshot")
        stamp = Stamp(int(fields["format"]), str(fields["product"]), snapshot and str(snapshot))
        numbers_of(stamp.product)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatabaseCorrupted(
            f"{layout.version} is damaged.",
            hint="Put VERSION back from the newest folder in snapshots, or choose another --data.",
        ) from error
    return stamp


def write_stamp(layout: Layout, stamp: Stamp) -> None:
    """Replace the file, wholly; it is on disk when this returns."""
    fields: dict[str, object] = {"format": stamp.format, "product": stamp.product}
    if stamp.snapshot is not None:
        fields["snapshot"] = stamp.snapshot
    write_atomically(layout.version, json.dumps(fields, sort_keys=True).encode() + b"\n")


def refuse(layout: Layout, stamp: Stamp, product: str) -> None:
    """Raise DataDirectoryNewer or DataDirectoryOlder when this version must not work here."""
    if stamp.format > FORMAT or numbers_of(stamp.product) > numbers_of(product):
        raise DataDirectoryNewer(
            f"{layout.path} was written by version {stamp.product} (format {stamp.format}); "
            f"this is {product} (format {FORMAT})."
        )
    if stamp.format < FORMAT_OLDEST:
        raise DataDirectoryOlder(
            f"{layout.path} has format {stamp.format}, written by version {stamp.product}; "
            f"this version carries format {FORMAT_OLDEST} and later forward."
        )


def refuse_other(layout: Layout, stamp: Stamp, product: str) -> None:
    """Also refuse what a start of the cell would first carry forward: cars never do that."""
    refuse(layout, stamp, product)
    if stamp.snapshot is not None or is_older(stamp, product):
        raise DataDirectoryOlder(
            f"{layout.path} was written by version {stamp.product}; this is {product}.",
            hint="Start the cell first: it takes a snapshot and carries the directory forward.",
        )


def is_older(stamp: Stamp, product: str) -> bool:
    """Whether an older version than this one wrote the directory."""
    return numbers_of(stamp.product) < numbers_of(product) or stamp.format < FORMAT


def refuse_foreign(layout: Layout) -> None:
    """Raise SettingInvalid when a folder without VERSION holds somebody else's files."""
    with storage_errors(layout.path):
        foreign = sorted(
            path.name for path in layout.path.iterdir() if not layout.is_ours(path.name)
        )
    if foreign:
        raise SettingInvalid(
            f"{layout.path} is no data directory of ours, and is not empty.",
            hint="Choose an empty folder, or one that does not exist yet, as --data.",
        )


def numbers_of(product: str) -> tuple[int, ...]:
    """The numbers of a version such as 0.1.0; raises ValueError when it has none."""
    match = re.match(r"\d+(\.\d+)*", product)
    if match is None:
        raise ValueError(product)
    numbers = [int(number) for number in match.group().split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()  # 1.0 and 1.0.0 are the same version
    return tuple(numbers)
