"""A start that is refused leaves a word for the cell that counts it, and changes nothing else."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from monocoque.contracts import errors
from monocoque.plumbing.files import make_directory
from monocoque.roles.layout import Layout
from monocoque.roles.refused_starts import REFUSED_BYTES_MAX, leaving_refusals, take_refusals

TAKEN = errors.PortInUse("Port 1 is taken.")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An installation that ran once."""
    layout = Layout(tmp_path)
    make_directory(layout.run)
    return layout


def refuse(layout: Layout, error: Exception = TAKEN) -> None:
    """A start that ends with this error."""
    with pytest.raises(type(error)), leaving_refusals(layout):
        raise error


def test_each_refusal_is_taken_once(layout: Layout) -> None:
    assert take_refusals(layout) == []
    refuse(layout)
    refuse(layout, errors.ClockWentBack("An hour."))
    assert take_refusals(layout) == [errors.PortInUse.code, errors.ClockWentBack.code]
    assert take_refusals(layout) == []
    assert list(layout.run.iterdir()) == []


def test_a_start_that_succeeds_or_has_a_defect_leaves_nothing(layout: Layout) -> None:
    with leaving_refusals(layout):
        pass
    refuse(layout, KeyError("x"))
    assert list(layout.run.iterdir()) == []


def test_where_nothing_ever_ran_nothing_is_made(tmp_path: Path) -> None:
    refuse(Layout(tmp_path / "none"))
    refuse(Layout(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_many_at_once_are_all_counted(layout: Layout) -> None:
    with ThreadPoolExecutor(8) as starts:
        list(starts.map(lambda _: refuse(layout), range(40)))
    assert take_refusals(layout) == [errors.PortInUse.code] * 40


def test_a_list_that_nobody_takes_has_an_end(layout: Layout) -> None:
    layout.refused_starts.write_bytes(b"x" * REFUSED_BYTES_MAX)
    refuse(layout)
    assert layout.refused_starts.stat().st_size == REFUSED_BYTES_MAX


def test_what_is_no_code_of_ours_is_not_counted(layout: Layout) -> None:
    layout.refused_starts.write_bytes(b"made_up\n\xff\nport_in_use\n")
    assert take_refusals(layout) == [errors.PortInUse.code]
