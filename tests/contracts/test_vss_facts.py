"""Every row of the catalogue against what VSS 6.0 says of its path."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from monocoque.contracts.signals import NARROWER, SIGNALS, Signal

FILE = Path(__file__).with_name("vss_6_0.txt")


@dataclass(frozen=True)
class Fact:
    """One line of the file."""

    kind: str
    data_type: str
    unit: str
    takes: str
    is_deprecated: bool


def facts() -> Iterator[tuple[str, Fact]]:
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern, kind, data_type, unit, takes, *more = line.split(" ")
        assert more in ([], ["deprecated"]), line
        parts = re.split(r"\{([^}]+)\}", pattern)
        choices = [part.split("|") if i % 2 else [part] for i, part in enumerate(parts)]
        for chosen in itertools.product(*choices):
            yield "".join(chosen), Fact(kind, data_type, unit, takes, bool(more))


FACTS = dict(facts())


def takes(row: Signal) -> str:
    if row.allowed:
        return "|".join(str(one) for one in row.allowed)
    ends = ["" if end is None else f"{end:g}" for end in (row.minimum, row.maximum)]
    return "-" if ends == ["", ""] else "..".join(ends)


def test_the_file_has_each_path_once_and_none_that_we_do_not_use() -> None:
    paths = [path for path, _ in facts()]
    assert len(paths) == len(FACTS)
    assert set(FACTS) == {row.path for row in SIGNALS}


@pytest.mark.parametrize("row", SIGNALS, ids=lambda row: row.path)
def test_a_row_says_what_vss_says(row) -> None:
    fact = FACTS[row.path]
    said = (row.entry_type.value, row.data_type.value, row.unit or "-")
    assert said == (fact.kind, fact.data_type, fact.unit)
    if row.path in NARROWER:
        assert (fact.takes, takes(row)) == ("-", "-50..50")
    else:
        assert takes(row) == fact.takes
    assert ("VSS deprecates" in row.purpose) == fact.is_deprecated
