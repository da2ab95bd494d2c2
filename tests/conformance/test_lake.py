"""The lake's promises: on Delta, on files and in memory; then what each has besides."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from deltalake import DeltaTable, QueryBuilder

from monocoque.contracts.errors import (
    DatabaseCorrupted,
    MachineFenced,
    NotWritable,
    SettingInvalid,
)
from monocoque.plumbing.lake.delta import DeltaLake
from monocoque.plumbing.lake.file import FileLake
from monocoque.plumbing.lake.port import Batch, Kind, LakeTable, Texts
from monocoque.sim.power import FencedLake, Life

TABLE = LakeTable(
    "things",
    {
        "day": Kind.TEXT,
        "number": Kind.WHOLE,
        "at": Kind.TIME,
        "share": Kind.FRACTION,
        "word": Kind.TEXT,
    },
    divided_by=("day",),
)
OTHER = replace(TABLE, name="others", divided_by=())
Row = tuple[str, int, int, float, str | None]
ROWS: list[Row] = [
    ("2026-11-25", 1, 1_795_600_000_000_001, 0.5, None),
    ("2026-11-25", -(2**62), 0, -1e300, "ä🚗"),
    ("2026-11-26", 2**62, 253_402_300_799_999_999, 0.0, ""),
]


def texts(words):
    known = sorted(set(words), key=str)
    return Texts(tuple(known), np.array([known.index(word) for word in words], np.int64))


def batch(number: int, rows: list[Row]) -> Batch:
    days, numbers, times, shares, words = zip(*rows, strict=True)
    return Batch(
        number,
        {
            "day": texts(days),
            "number": np.array(numbers, np.int64),
            "at": np.array(times, np.int64),
            "share": np.array(shares, np.float64),
            "word": texts(words),
        },
    )


def read_delta(path, table=TABLE) -> list[Row]:
    asked = QueryBuilder().register("rows", DeltaTable(path / table.name))
    found = asked.execute("select day, number, cast(at as bigint) as at, share, word from rows")
    columns = found.read_all()
    return list(zip(*(columns[name].to_pylist() for name in TABLE.columns), strict=True))


def read_file(lake: FileLake, table=TABLE) -> list[Row]:
    def plain(column):
        if isinstance(column, Texts):
            return [column.words[place] for place in column.places]
        return column.tolist()

    return [
        row
        for _, each in lake.batches(table)
        for row in zip(*(plain(each.columns[name]) for name in TABLE.columns), strict=True)
    ]


class Place:
    """One lake, which can be opened again as the next process would."""

    def __init__(self, kind, path):
        self.kind = kind
        self.path = path
        self.memory = FileLake(None)

    def open(self):
        if self.kind == "delta":
            return DeltaLake(self.path)
        return FileLake(self.path) if self.kind == "file" else self.memory

    def rows(self, table=TABLE) -> list[Row]:
        if self.kind == "delta":
            return sorted(read_delta(self.path, table), key=str)
        return sorted(read_file(self.open(), table), key=str)


@pytest.fixture(params=["delta", "file", "memory"])
def place(request, tmp_path):
    return Place(request.param, tmp_path / "lake")


def in_any_order(*rows):
    return sorted(rows, key=str)


async def test_a_new_table_has_no_batch(place):
    assert await place.open().last_batch(TABLE, "writer") == 0


async def test_what_was_appended_is_there_for_the_next_process(place):
    lake = place.open()
    await lake.append(TABLE, "writer", batch(1, ROWS))
    await lake.append(TABLE, "writer", batch(7, ROWS[:1]))
    await lake.close()
    assert place.rows() == in_any_order(*ROWS, ROWS[0])
    assert await place.open().last_batch(TABLE, "writer") == 7


async def test_a_batch_that_is_there_is_not_written_again(place):
    await place.open().append(TABLE, "writer", batch(3, ROWS))
    for lake in (place.open(), place.open()):
        await lake.append(TABLE, "writer", batch(3, ROWS))
        await lake.append(TABLE, "writer", batch(2, ROWS))
        assert await lake.last_batch(TABLE, "writer") == 3
    assert place.rows() == in_any_order(*ROWS)


async def test_writers_and_tables_count_for_themselves(place):
    lake = place.open()
    await lake.append(TABLE, "one", batch(5, ROWS[:1]))
    await lake.append(TABLE, "two", batch(1, ROWS[1:2]))
    await lake.append(OTHER, "one", batch(2, ROWS[2:]))
    assert [await lake.last_batch(TABLE, name) for name in ("one", "two", "three")] == [5, 1, 0]
    assert await lake.last_batch(OTHER, "one") == 2
    assert place.rows() == in_any_order(*ROWS[:2])
    assert place.rows(OTHER) == [ROWS[2]]


async def test_many_batches_are_one_table(place):
    lake = place.open()
    for number in range(1, 21):
        await lake.append(TABLE, "writer", batch(number, [("2026-11-25", number, 0, 0.0, None)]))
    assert sorted(row[1] for row in place.rows()) == list(range(1, 21))


# --- Delta alone ------------------------------------------------------------------------------


async def test_a_process_killed_between_the_folder_and_the_first_commit_begins_again(tmp_path):
    (tmp_path / TABLE.name / "_delta_log").mkdir(parents=True)
    lake = DeltaLake(tmp_path)
    assert await lake.last_batch(TABLE, "writer") == 0
    await lake.append(TABLE, "writer", batch(1, ROWS))
    assert sorted(read_delta(tmp_path), key=str) == in_any_order(*ROWS)


async def test_data_without_its_line_of_the_log_is_not_there(tmp_path):
    lake = DeltaLake(tmp_path)
    await lake.append(TABLE, "writer", batch(1, ROWS))
    await lake.append(TABLE, "writer", batch(2, ROWS))
    (tmp_path / TABLE.name / "_delta_log" / f"{1:020}.json").unlink()  # killed before the commit
    again = DeltaLake(tmp_path)
    assert await again.last_batch(TABLE, "writer") == 1
    await again.append(TABLE, "writer", batch(2, ROWS))
    assert sorted(read_delta(tmp_path), key=str) == in_any_order(*ROWS, *ROWS)


async def test_files_are_divided_and_say_what_they_hold(tmp_path):
    await DeltaLake(tmp_path).append(TABLE, "writer", batch(1, ROWS))
    parts = {path.parent.name for path in (tmp_path / TABLE.name).glob("day=*/*.parquet")}
    assert parts == {"day=2026-11-25", "day=2026-11-26"}
    log = (tmp_path / TABLE.name / "_delta_log" / f"{0:020}.json").read_text()
    said = [json.loads(line) for line in log.splitlines()]
    assert [each["txn"]["version"] for each in said if "txn" in each] == [1]


async def test_a_log_that_cannot_be_read_is_told_in_our_words(tmp_path):
    await DeltaLake(tmp_path).append(TABLE, "writer", batch(1, ROWS))
    (tmp_path / TABLE.name / "_delta_log" / f"{0:020}.json").write_text("no JSON\n")
    with pytest.raises(DatabaseCorrupted):
        await DeltaLake(tmp_path).last_batch(TABLE, "writer")


AS_NOBODY = """
import asyncio, os, sys
from pathlib import Path
from monocoque.contracts.errors import MonocoqueError
from monocoque.plumbing.lake.{module} import {kind}
from tests.conformance.test_lake import ROWS, TABLE, batch
if os.geteuid() == 0: os.seteuid(65534)  # the superuser may write anywhere
async def main():
    try:
        await {kind}(Path(sys.argv[1]) / "lake").append(TABLE, "writer", batch(1, ROWS))
    except MonocoqueError as error:
        print(error.code)
asyncio.run(main())
"""


@pytest.mark.parametrize(("module", "kind"), [("delta", "DeltaLake"), ("file", "FileLake")])
def test_a_place_where_one_may_not_write_is_told_in_our_words(tmp_path, module, kind):
    tmp_path.chmod(0o500)
    command = [sys.executable, "-c", AS_NOBODY.format(module=module, kind=kind), str(tmp_path)]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    assert said == NotWritable.code
    tmp_path.chmod(0o700)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_only_hands_a_lake_on_loads_neither_delta_nor_numpy():
    code = (
        "import sys, monocoque.roles.cell, monocoque.cli.starting_cars\n"
        "print([name for name in ('deltalake', 'arro3', 'numpy') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert said.stdout.strip() == "[]"


# --- files alone ------------------------------------------------------------------------------


async def test_a_record_that_was_cut_off_is_not_there_and_the_next_takes_its_place(tmp_path):
    lake = FileLake(tmp_path)
    await lake.append(TABLE, "writer", batch(1, ROWS))
    await lake.append(TABLE, "writer", batch(2, ROWS))
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    first = len(whole) // 2  # equal batches make equal records
    for cut in (1, 11, 12, 40, first - 1):
        file.write_bytes(whole[: first + cut])
        again = FileLake(tmp_path)
        assert await again.last_batch(TABLE, "writer") == 1, cut
        await again.append(TABLE, "writer", batch(2, ROWS))
        assert file.read_bytes() == whole
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert await FileLake(tmp_path).last_batch(TABLE, "writer") == 1


async def test_damage_in_the_middle_is_no_cut_and_is_told(tmp_path):
    lake = FileLake(tmp_path)
    for number in (1, 2):
        await lake.append(TABLE, "writer", batch(number, ROWS))
    (file,) = tmp_path.iterdir()
    data = bytearray(file.read_bytes())
    data[30] ^= 1
    file.write_bytes(data)
    with pytest.raises(DatabaseCorrupted):
        await FileLake(tmp_path).last_batch(TABLE, "writer")


async def test_a_name_cannot_leave_the_folder(tmp_path):
    with pytest.raises(SettingInvalid):
        await FileLake(tmp_path).append(replace(TABLE, name="../up"), "w", batch(1, ROWS))


async def test_the_dead_of_a_world_write_nothing():
    life, inner = Life("cell", "telemetry", 1), FileLake(None)
    lake = FencedLake(inner, life)
    await lake.append(TABLE, "writer", batch(1, ROWS))
    life.end()
    with pytest.raises(MachineFenced):
        await lake.append(TABLE, "writer", batch(2, ROWS))
    with pytest.raises(MachineFenced):
        await lake.last_batch(TABLE, "writer")
    await lake.close()
    assert await inner.last_batch(TABLE, "writer") == 1
