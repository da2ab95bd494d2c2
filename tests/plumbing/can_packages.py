"""Packages that only some tests of the vehicle bus need, each set in a folder of its own.

Rules: a folder is made at the first call, from locked pins alone, and kept for these very pins; it
is seen only by who puts it on the path of a process.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ROOT / "build" / "can"
INSTALL_S_MAX = 600
OPTIONS = {"opendbc": ("--python-version", "3.12")}
"""Its code runs on no newer Python, and its files do not care."""


def folder_of(name: str) -> Path:
    """Where the packages of requirements/NAME.txt are."""
    pins = ROOT / "requirements" / f"{name}.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    mark = f"{name}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:16]}-{version}"
    place = FOLDERS / mark
    if not place.exists():
        beginning = FOLDERS / f"{mark}.{os.getpid()}.new"
        shutil.rmtree(beginning, ignore_errors=True)
        uv = Path(sys.executable).with_name("uv")
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", sys.executable, "--no-deps",
             "--require-hashes", "--only-binary", ":all:", *OPTIONS.get(name, ()),
             "--target", str(beginning), "-r", str(pins)],
            check=True, timeout=INSTALL_S_MAX,
        )  # fmt: skip
        try:
            beginning.rename(place)
        except OSError:  # another worker was quicker
            if not place.exists():
                raise
            shutil.rmtree(beginning)
    return place
