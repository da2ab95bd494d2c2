"""A disk in memory that keeps what a real one promises, and loses the rest when the power fails.

Rules:

* what was synced survives ``restore``; of everything else chance decides: a write is kept, lost or
  torn, and of what was named, renamed and deleted the first so many are kept, in their order;
* ``cut_at`` makes the n-th change from now on its last: the power fails while it is under way, and
  from then on nothing answers until ``restore``. So every single change can be tried;
* one object is the whole disk with its folders, whoever holds a part of it.

Left out on purpose: damage to what was synced. A disk that breaks that promise is another machine.
"""

from dataclasses import dataclass, field
from random import Random

from monocoque.contracts.errors import DiskFull, MachineFenced, StorageError
from monocoque.plumbing.disk.port import Disk, checked_name


@dataclass
class _File:
    durable: bytes = b""
    content: bytearray = field(default_factory=bytearray)
    unsynced: list[tuple[int, bytes]] = field(default_factory=list)


_Change = tuple[str, _File | None]
"""A name, and which file has it from then on."""


@dataclass
class _Folder:
    durable: dict[str, _File] = field(default_factory=dict)
    names: dict[str, _File] = field(default_factory=dict)
    unsynced: list[tuple[_Change, ...]] = field(default_factory=list)
    """Each with all that happens at once: a rename changes two names."""
    folders: dict[str, "_Folder"] = field(default_factory=dict)

    def change(self, *changes: _Change) -> None:
        """These names change now, and for ever once they are synced."""
        _apply(self.names, changes)
        self.unsynced.append(changes)

    def sync(self) -> None:
        """What changed stays so."""
        self.durable, self.unsynced = dict(self.names), []

    def size_bytes(self) -> int:
        """How much all files in it hold."""
        own = sum(len(file.content) for file in self.names.values())
        return own + sum(folder.size_bytes() for folder in self.folders.values())

    def restore(self, random: Random) -> None:
        """Lose what was not synced, or a part of it."""
        for changes in self.unsynced[: random.randint(0, len(self.unsynced))]:
            _apply(self.durable, changes)
        for file in {id(file): file for file in self.durable.values()}.values():
            for offset, content in file.unsynced:
                kept = content[: random.choice((0, len(content) // 2, len(content)))]
                file.durable = bytes(_put(bytearray(file.durable), offset, kept))
            file.content, file.unsynced = bytearray(file.durable), []
        self.names, self.unsynced = dict(self.durable), []
        for folder in self.folders.values():
            folder.restore(random)


@dataclass
class _State:
    """What all folders of one disk share."""

    capacity_bytes: int | None
    changes: int = 0
    is_on: bool = True
    cut_at: int | None = None


class _MemoryFolder:
    """One folder; see Disk."""

    def __init__(self, state: _State, top: _Folder, folder: _Folder) -> None:
        """top: the folder that all of the disk is in."""
        self._state = state
        self._top = top
        self._folder = folder

    async def read(self, name: str, offset: int = 0, count: int | None = None) -> bytes | None:
        """See Disk.read."""
        file = self._find(name)
        if file is None:
            return None
        return bytes(file.content[offset:][:count])

    async def size(self, name: str) -> int | None:
        """See Disk.size."""
        file = self._find(name)
        return None if file is None else len(file.content)

    async def write(self, name: str, offset: int, content: bytes) -> None:
        """See Disk.write."""
        file, capacity_bytes = self._find(name), self._state.capacity_bytes
        size_bytes = 0 if file is None else len(file.content)
        grows_bytes = max(0, offset + len(content) - size_bytes)
        if capacity_bytes is not None and self._top.size_bytes() + grows_bytes > capacity_bytes:
            raise DiskFull("The disk in memory is full.")
        if file is None:
            file = _File()
            self._folder.change((name, file))
        _put(file.content, offset, content)
        file.unsynced.append((offset, bytes(content)))
        self._count()

    async def sync(self, name: str) -> None:
        """See Disk.sync."""
        file = self._existing(name)
        self._count()
        file.durable, file.unsynced = bytes(file.content), []

    async def rename(self, name: str, new_name: str) -> None:
        """See Disk.rename."""
        file = self._existing(name)
        self._folder.change((checked_name(new_name), file), (name, None))
        self._count()

    async def delete(self, name: str) -> None:
        """See Disk.delete."""
        if self._find(name) is not None:
            self._folder.change((name, None))
            self._count()

    async def sync_folder(self) -> None:
        """See Disk.sync_folder."""
        self._check_power()
        self._count()
        self._folder.sync()

    async def names(self) -> list[str]:
        """See Disk.names."""
        self._check_power()
        return sorted(self._folder.names)

    async def folder(self, name: str) -> Disk:
        """See Disk.folder."""
        self._check_power()
        if checked_name(name) not in self._folder.folders:
            self._count()
            self._folder.folders[name] = _Folder()
        return _MemoryFolder(self._state, self._top, self._folder.folders[name])

    def _check_power(self) -> None:
        if not self._state.is_on:
            raise MachineFenced("The disk has no power.")

    def _count(self) -> None:
        """One change is under way; the power may fail during it."""
        self._state.changes += 1
        if self._state.changes == self._state.cut_at:
            self._state.is_on = False
        self._check_power()

    def _find(self, name: str) -> _File | None:
        self._check_power()
        return self._folder.names.get(checked_name(name))

    def _existing(self, name: str) -> _File:
        file = self._find(name)
        if file is None:
            raise StorageError("There is no such file.")
        return file


class MemoryDisk(_MemoryFolder):
    """The whole disk; see Disk."""

    def __init__(self, capacity_bytes: int | None = None) -> None:
        """capacity_bytes: of all files together; None for no end."""
        top = _Folder()
        super().__init__(_State(capacity_bytes), top, top)

    @property
    def is_on(self) -> bool:
        """Whether it has power."""
        return self._state.is_on

    @property
    def changes(self) -> int:
        """How many writes, syncs, renames, deletions and new folders there were."""
        return self._state.changes

    def limit(self, capacity_bytes: int | None) -> None:
        """So much fits from now on; None for no end."""
        self._state.capacity_bytes = capacity_bytes

    def cut_at(self, number: int | None) -> None:
        """Let the power fail during the n-th change from now on, from 1; None for never."""
        self._state.cut_at = None if number is None else self._state.changes + number

    def cut(self) -> None:
        """The power fails now."""
        self._state.is_on = False

    def restore(self, random: Random) -> None:
        """The power is back. random: decides what is left of what was not synced."""
        self._top.restore(random)
        self._state.is_on, self._state.cut_at = True, None

    def size_bytes(self) -> int:
        """How much all files hold."""
        return self._top.size_bytes()


def _apply(names: dict[str, _File], changes: tuple[_Change, ...]) -> None:
    for name, file in changes:
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


def _put(content: bytearray, offset: int, part: bytes) -> bytearray:
    if len(content) < offset and part:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(part)] = part
    return content
