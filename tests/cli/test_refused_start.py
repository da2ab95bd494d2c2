"""A cell that is refused at its start leaves what others wrote of themselves as it was."""

import os

from monocoque import __version__
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.process_file import write_process_file
from monocoque.roles.cell_settings import HTTP
from monocoque.roles.data_directory import open_data_directory
from monocoque.roles.parts import take_part
from tests.cli.test_commands import assert_refused, typed


def test_a_cell_whose_pages_another_process_has_leaves_the_way_to_them(tmp_path) -> None:
    data = tmp_path / "data"
    directory = open_data_directory(data, __version__, SystemClock().now_us(), print)
    layout = directory.layout
    directory.close()
    pages = take_part(layout, HTTP)
    try:
        others = (layout.door, layout.cell_process, layout.process("cars"))
        for path in others:
            write_process_file(path, os.getpid(), {"http": 8_321})
        before = layout.door.read_bytes()
        words = ("up", "--data", str(data), "--port", "0", "--cars", "1", "--homes", "0")
        refused = typed(tmp_path, *words)
    finally:
        pages.release()
    assert_refused(
        refused, "Stop that process. A cell leaves the http to another with `--without http`."
    )
    assert [path.read_bytes() for path in others] == [before] * len(others)
