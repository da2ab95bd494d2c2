"""Finds the class of an app in its folder, and the files that go into its package.

Rules: the folder's own modules are found first, whatever else has their name; a folder has one app.

Left out on purpose: trust. Whoever loads an app runs its code.
"""

import importlib
import inspect
import sys
from pathlib import Path
from typing import Final

from monocoque.app.declaring import App
from monocoque.contracts.errors import AppMalformed
from monocoque.plumbing.files import storage_errors

MODULE: Final = "app"
"""The file in which the class is looked for, without ``.py``."""


def load(folder: Path, entry: str) -> type[App]:
    """The class of the entry ``MODULE:CLASS``. Raises AppMalformed when there is none."""
    module_name, _, class_name = entry.partition(":")
    sys.path.insert(0, str(folder))
    kind = getattr(importlib.import_module(module_name), class_name, None)
    if not (inspect.isclass(kind) and issubclass(kind, App)):
        raise AppMalformed(f"There is no app {class_name} in {module_name}.py.")
    return kind


def find(folder: Path) -> type[App]:
    """The one app of a folder. Raises AppMalformed, SettingInvalid when there is not one."""
    if not (folder / f"{MODULE}.py").is_file():
        raise AppMalformed(
            f"There is no {MODULE}.py in {folder}.",
            hint="`monocoque app new NAME` makes a folder to begin with.",
        )
    sys.path.insert(0, str(folder.absolute()))
    sys.modules.pop(MODULE, None)
    try:
        module = importlib.import_module(MODULE)
    except Exception as error:  # whatever somebody's code raises is news about that code
        raise AppMalformed(
            f"{folder}/{MODULE}.py cannot be loaded: {type(error).__name__}: {error}",
            hint="Run its tests; the first line that fails there is the one to mend.",
        ) from error
    finally:
        sys.path.remove(str(folder.absolute()))
    found = [
        member
        for member in vars(module).values()
        if inspect.isclass(member) and issubclass(member, App) and member.__module__ == MODULE
    ]
    if len(found) != 1:
        raise AppMalformed(
            f"{folder}/{MODULE}.py has {len(found)} apps.",
            hint="Leave one class that is an App in it.",
        )
    return found[0]


def files_of(folder: Path) -> dict[str, bytes]:
    """What goes into the package, by path: all but hidden files, tests and what Python made.

    Raises AppMalformed when there is a link, and what ``storage_errors`` raises.
    """
    found: dict[str, bytes] = {}
    with storage_errors(folder):
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if any(part.startswith((".", "__pycache__", "test_")) for part in inside.parts):
                continue
            if path.is_symlink():
                raise AppMalformed(f"{path} is a link.", hint="Put the file itself there.")
            if path.is_file():
                found[inside.as_posix()] = path.read_bytes()
    return found
