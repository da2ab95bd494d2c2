"""The folder of one app: its package, the code that was unpacked from it, its data and its log.

Rules: the package is kept under its digest and is checked anew at every start, so what lies
unpacked is never believed; the log is bounded, and so is what comes into it in a second.

Left out on purpose: how much an app may keep, which the config says.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from monocoque.car.apps.config import AppsConfig
from monocoque.contracts.errors import AppAltered
from monocoque.plumbing.files import (
    PRIVATE_DIRECTORY_MODE,
    make_directory,
    storage_errors,
    write_atomically,
)

FILES_COUNTED_MAX: Final = 10_000
"""An app with more files and folders than this in its folder has more than it may."""
FILE_BYTES_LEAST: Final = 4_096
"""Each file and folder counts as so much at least, since it takes so much."""


@dataclass(frozen=True)
class AppFolder:
    """Where one app is."""

    apps: Path
    """Of all apps of the car."""
    name: str

    @property
    def path(self) -> Path:
        """All of it."""
        return self.apps / self.name

    @property
    def code(self) -> Path:
        """What the app's process reads."""
        return self.path / "code"

    @property
    def data(self) -> Path:
        """What the app's process writes."""
        return self.path / "data"

    @property
    def log(self) -> Path:
        """What the app wrote to its log."""
        return self.path / "log.txt"

    def put_package(self, sha256: str, package: bytes) -> None:
        """Keep a package beside the one that may be running. Raises what storage_errors raises."""
        make_directory(self.path, PRIVATE_DIRECTORY_MODE)
        write_atomically(self._package(sha256), package)

    def package(self, sha256: str) -> bytes:
        """The package of this digest; raises AppAltered when it is not there any more."""
        try:
            return self._package(sha256).read_bytes()
        except OSError as error:
            raise AppAltered(f"The package of {self.name} cannot be read.") from error

    def unpack(self, sha256: str, files: Mapping[str, bytes]) -> None:
        """Put the code there, anew, and forget older packages."""
        with storage_errors(self.path):
            shutil.rmtree(self.code, ignore_errors=True)
            for path, data in files.items():
                place = self.code / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
            self.data.mkdir(mode=PRIVATE_DIRECTORY_MODE, exist_ok=True)
            for old in self.path.glob("package-*"):
                if old != self._package(sha256):
                    old.unlink()

    def data_bytes(self) -> int:
        """How much the app keeps; counting ends where it is too much anyway."""
        total = count = 0
        waiting = [str(self.data)]
        while waiting:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        count += 1
                        total += _used_bytes(entry)
                        if count > FILES_COUNTED_MAX:
                            return total
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
            except OSError as error:  # it has gone meanwhile
                if error.errno in (errno.ENAMETOOLONG, errno.EACCES):  # nobody can count it
                    return total + FILES_COUNTED_MAX * FILE_BYTES_LEAST
        return total

    def remove(self) -> None:
        """Take all of it away, however deep it is; its process must have ended.

        ``shutil.rmtree`` calls itself for every folder, and ends at a thousand in one another.
        """
        waiting = [self.path]
        while waiting:
            folder = waiting.pop()
            with contextlib.suppress(OSError):
                with os.scandir(folder) as entries:
                    found = list(entries)
                for entry in found:
                    path = Path(entry.path)
                    with contextlib.suppress(OSError):
                        if not entry.is_dir(follow_symlinks=False):
                            path.unlink()
                            continue
                        path.chmod(PRIVATE_DIRECTORY_MODE)  # a closed one cannot be moved
                        # Brought to the top, so that no path grows; an inode's number is its alone.
                        waiting.append(path.rename(self.path / f".{entry.inode()}"))
                if folder != self.path:
                    folder.rmdir()
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _package(self, sha256: str) -> Path:
        return self.path / f"package-{sha256}"


def _used_bytes(entry: os.DirEntry[str]) -> int:
    try:
        used = entry.stat(follow_symlinks=False).st_blocks * 512
    except OSError:  # it has gone meanwhile
        return 0
    return max(used, FILE_BYTES_LEAST)


@dataclass
class AppLog:
    """The bounded log of one app."""

    path: Path
    config: AppsConfig
    now_s: Callable[[], float]
    _second: int = 0
    _taken: int = 0
    _left_out: int = 0
    _size: int = field(default=-1)

    def write(self, data: bytes) -> None:
        """Write what the app wrote, as far as it may; OSErrors of a full disk lose it."""
        second = int(self.now_s())
        if second != self._second:
            self._second, self._taken = second, 0
            if self._left_out:
                said = f"[{self._left_out} bytes were too much at once and are left out]\n"
                self._left_out = 0
                self._append(said.encode())
        room = max(0, self.config.log_bytes_per_s_max - self._taken)
        self._taken += len(data)
        self._left_out += max(0, len(data) - room)
        if room:
            self._append(data[:room])

    def say(self, text: str) -> None:
        """The car's own words in the app's log."""
        self._append(f"[{text}]\n".encode(errors="replace"))

    def _append(self, data: bytes) -> None:
        try:
            if self._size < 0:
                self._size = self.path.stat().st_size if self.path.exists() else 0
            if self._size + len(data) > self.config.log_bytes_max and self._size:
                self.path.replace(self.path.with_name("log.1.txt"))
                self._size = 0
            with self.path.open("ab") as file:
                file.write(data)
            self._size += len(data)
        except OSError:
            self._size = -1
