"""A command as this person can type it, here and now.

Rules: the program is named as it was started; the data directory is named unless it is the default.
"""

import shlex
import shutil
import sys
from pathlib import Path

import platformdirs

PROGRAM = "monocoque"


def default_data() -> Path:
    """The data directory when nobody names one."""
    return Path(platformdirs.user_data_dir("monocoque"))


def typed(words: str, data: Path, started_as: str | None = None) -> str:
    """The line to type for these words on this data directory.

    started_as: what this process was started with; ``sys.argv[0]`` when None.
    """
    line = f"{_program(sys.argv[0] if started_as is None else started_as)} {words}"
    if data.resolve() == default_data().resolve():
        return line
    return f"{line} --data {shlex.quote(str(data.resolve()))}"


def _program(started_as: str) -> str:
    found = shutil.which(PROGRAM)
    if found is not None and Path(found).resolve() == Path(started_as).resolve():
        return PROGRAM
    if Path(started_as).name == PROGRAM:
        return shlex.quote(started_as)
    return f"{shlex.quote(sys.executable)} -m monocoque.cli.main"
