"""The folder of an app, whatever the app has made in it."""

import os
from pathlib import Path

import pytest

from monocoque.car.apps.service.folders import FILE_BYTES_LEAST, FILES_COUNTED_MAX, AppFolder

DEEP = 1_500
"""More folders in one another than Python calls itself."""
TOO_LONG = 5_000
"""So deep that no path names the last."""


def folder_of(apps: Path) -> AppFolder:
    folder = AppFolder(apps, "hostile")
    folder.data.mkdir(parents=True)
    return folder


def dig(place: Path, depth: int) -> None:
    """So many folders in one another, and a file in the last."""
    here = os.open(place, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("last", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


@pytest.mark.parametrize("depth", [1, DEEP, TOO_LONG])
def test_an_app_is_counted_and_taken_away_however_deep_its_folders_are(tmp_path, depth):
    folder, other = folder_of(tmp_path), tmp_path / "other"
    other.mkdir()
    dig(folder.data, depth)
    assert folder.data_bytes() >= (depth + 1) * FILE_BYTES_LEAST
    folder.remove()
    assert list(tmp_path.iterdir()) == [other]


def test_folders_that_nobody_can_count_are_too_much(tmp_path):
    folder = folder_of(tmp_path)
    dig(folder.data, TOO_LONG)
    assert folder.data_bytes() >= FILES_COUNTED_MAX * FILE_BYTES_LEAST
    folder.remove()


def test_empty_folders_count_and_counting_them_ends(tmp_path):
    folder = folder_of(tmp_path)
    for number in range(FILES_COUNTED_MAX + 2_000):
        (folder.data / str(number)).mkdir()
    counted = folder.data_bytes()
    assert counted == (FILES_COUNTED_MAX + 1) * FILE_BYTES_LEAST
    folder.remove()


def test_what_a_link_of_an_app_points_to_stays(tmp_path):
    folder, kept = folder_of(tmp_path / "apps"), tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("mine")
    (folder.data / "link").symlink_to(kept)
    (folder.data / "closed").mkdir(mode=0)
    folder.remove()
    assert not folder.path.exists()
    assert (kept / "file").read_text() == "mine"
    folder.remove()  # it has gone already
