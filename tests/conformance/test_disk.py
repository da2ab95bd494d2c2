"""What every disk promises, on both adapters; and what a crash leaves on one that can crash."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocoque.contracts.errors import (
    DiskFull,
    MachineFenced,
    SettingInvalid,
    StorageError,
)
from monocoque.plumbing.disk.folder import FolderDisk
from monocoque.plumbing.disk.memory import MemoryDisk
from monocoque.plumbing.disk.port import Disk, write_whole

ADAPTERS: dict[str, Callable[[Path], Disk]] = {
    "folder": lambda path: FolderDisk(path / "disk"),
    "memory": lambda _path: MemoryDisk(),
}


@pytest.fixture(params=ADAPTERS)
def on_disk(request, tmp_path):
    """Lives through a story on each adapter."""
    disk = ADAPTERS[request.param](tmp_path)

    def run(story: Callable[[Disk], Coroutine[Any, Any, None]]) -> None:
        asyncio.run(story(disk))

    return run


def test_what_was_written_is_read(on_disk):
    async def story(disk):
        await disk.write("a", 0, b"hello")
        await disk.write("a", 5, b" world")
        await disk.write("a", 0, b"J")
        assert await disk.read("a") == b"Jello world"
        assert await disk.read("a", 6) == b"world"
        assert await disk.read("a", 6, 3) == b"wor"
        assert await disk.read("a", 9, 9) == b"ld"
        assert await disk.read("a", 99, 9) == b""
        assert await disk.size("a") == 11

    on_disk(story)


def test_what_lies_between_the_end_and_the_offset_is_zero(on_disk):
    async def story(disk):
        await disk.write("a", 3, b"x")
        assert await disk.read("a") == b"\0\0\0x"
        await disk.write("b", 3, b"")
        assert await disk.size("b") == 0

    on_disk(story)


def test_what_is_not_there_is_none(on_disk):
    async def story(disk):
        assert await disk.read("a") is None
        assert await disk.size("a") is None
        assert await disk.names() == []
        await disk.delete("a")
        await disk.sync_folder()
        with pytest.raises(StorageError):
            await disk.sync("a")
        with pytest.raises(StorageError):
            await disk.rename("a", "b")

    on_disk(story)


def test_a_rename_puts_one_file_in_place_of_another(on_disk):
    async def story(disk):
        await disk.write("old", 0, b"old and long")
        await disk.write("new", 0, b"new")
        await disk.sync("new")
        await disk.rename("new", "old")
        await disk.sync_folder()
        assert await disk.names() == ["old"]
        assert await disk.read("old") == b"new"
        await disk.delete("old")
        assert await disk.names() == []

    on_disk(story)


def test_folders_are_apart(on_disk):
    async def story(disk):
        one, other = await disk.folder("one"), await disk.folder("other")
        await one.write("a", 0, b"1")
        assert await other.names() == await disk.names() == []
        assert await (await disk.folder("one")).read("a") == b"1"
        within = await one.folder("two")
        await within.write("a", 0, b"2")
        assert await one.read("a") == b"1"

    on_disk(story)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "/a", "A", "a\n", "a" * 129, ".a"])
def test_a_name_cannot_leave_the_folder(on_disk, name):
    async def story(disk):
        for call in (disk.read, disk.size, disk.delete, disk.sync, disk.folder):
            with pytest.raises(SettingInvalid):
                await call(name)
        await disk.write("a", 0, b"")
        with pytest.raises(SettingInvalid):
            await disk.write(name, 0, b"x")
        with pytest.raises(SettingInvalid):
            await disk.rename("a", name)

    on_disk(story)


def test_a_whole_file_is_replaced(on_disk):
    async def story(disk):
        await write_whole(disk, "a", b"first, and long")
        await write_whole(disk, "a", b"second")
        assert await disk.read("a") == b"second"
        assert await disk.names() == ["a"]

    on_disk(story)


def test_a_real_disk_shows_the_next_process_what_was_synced(tmp_path):
    asyncio.run(write_whole(FolderDisk(tmp_path), "a", b"kept"))
    assert (tmp_path / "a").read_bytes() == b"kept"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    assert asyncio.run(FolderDisk(tmp_path).read("a")) == b"kept"


def test_a_real_disk_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SettingInvalid):
        asyncio.run(FolderDisk(tmp_path / "file").write("a", 0, b"x"))


# --- a loss of power --------------------------------------------------------------------------


def crashed(
    story: Callable[[MemoryDisk], Coroutine[Any, Any, None]], seed: int, cut_at=None
) -> MemoryDisk:
    """The disk after a story that ended without power."""
    disk = MemoryDisk()
    disk.cut_at(cut_at)

    async def main():
        try:
            await story(disk)
            disk.cut()
        except MachineFenced:
            pass
        with pytest.raises(MachineFenced):
            await disk.read("a")
        with pytest.raises(MachineFenced):
            await disk.names()

    asyncio.run(main())
    disk.restore(Random(seed))
    return disk


def contents(disk: MemoryDisk) -> dict[str, bytes]:
    async def main():
        return {name: await disk.read(name) for name in await disk.names()}

    return asyncio.run(main())


def test_what_was_not_synced_is_kept_lost_or_torn():
    async def story(disk):
        await write_whole(disk, "a", b"old!")
        await disk.write("a", 0, b"newer")

    found = {contents(crashed(story, seed))["a"] for seed in range(50)}
    assert found == {b"old!", b"newer", b"ne" + b"d!"}


def test_a_name_that_was_not_synced_may_be_gone_and_its_content_too():
    async def story(disk):
        await disk.write("a", 0, b"content")
        await disk.rename("a", "b")

    found = {tuple(sorted(contents(crashed(story, seed)).items())) for seed in range(100)}
    assert () in found
    assert (("b", b""),) in found, "who renames before syncing may find nothing"
    assert (("a", b"con"),) in found


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.integers(0, 9))
def test_a_whole_file_is_the_old_or_the_new_one_wherever_the_power_fails(cut_at, seed):
    texts = [b"", b"first", b"second one", b"third"]

    async def story(disk):
        for text in texts[1:]:
            await write_whole(disk, "a", text)

    found = contents(crashed(story, seed, cut_at)).get("a", b"")
    assert found in texts


def test_what_write_whole_returned_from_is_there():
    async def story(disk):
        await write_whole(disk, "a", b"first")
        await write_whole(disk, "a", b"second")

    for seed in range(20):
        assert contents(crashed(story, seed)) == {"a": b"second"}


def test_a_disk_that_is_full_takes_nothing_more():
    async def story():
        disk = MemoryDisk(capacity_bytes=10)
        await disk.write("a", 0, b"12345678")
        with pytest.raises(DiskFull):
            await disk.write("b", 0, b"123")
        assert await disk.names() == ["a"]
        await disk.write("a", 0, b"abc")
        assert disk.size_bytes() == 8

    asyncio.run(story())
