"""What a store of documents promises: on real files and in the memory of a world."""

import subprocess
import sys

import pytest

from monocoque.contracts.errors import (
    DataDirectoryInUse,
    DocumentTooLarge,
    MonocoqueError,
    NotFound,
    SettingInvalid,
)
from monocoque.plumbing.documents.files import FileDocuments
from monocoque.plumbing.documents.memory import MemoryDocuments
from monocoque.plumbing.documents.port import Documents
from monocoque.sim.documents import FencedDocuments
from monocoque.sim.power import Life


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "cell" / "documents"


@pytest.fixture(params=["files", "memory", "world"])
def documents(request, directory) -> Documents:
    if request.param == "files":
        return FileDocuments(directory)
    memory = MemoryDocuments()
    return FencedDocuments(memory, Life("cell", "http", 1)) if request.param == "world" else memory


def test_what_was_never_written_is_not_there(documents):
    assert documents.read("a/b.json", 10) is None
    assert documents.size_bytes("a/b.json") is None
    with pytest.raises(NotFound):
        documents.part("a/b.json", 0, 1)


def test_a_document_is_there_until_another_takes_its_place(documents):
    documents.write("a/b.json", b"a long one")
    documents.write("a/b.json", b"short")
    documents.write("a/c/d.img", b"x")
    assert documents.read("a/b.json", 5) == b"short"
    assert documents.size_bytes("a/b.json") == 5
    assert documents.read("a", 10) is None
    assert documents.read("a/b.json/c", 10) is None


def test_parts_end_where_the_document_ends(documents):
    documents.write("a", b"0123456789")
    parts = [documents.part("a", *place) for place in ((0, 4), (4, 4), (8, 4), (12, 4))]
    assert parts == [b"0123", b"4567", b"89", b""]


def test_more_than_was_expected_is_refused(documents):
    documents.write("a", b"0123456789")
    with pytest.raises(DocumentTooLarge):
        documents.read("a", 9)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        ".a",
        "a/.b",
        "A",
        "a b",
        "ä",
        "a\n",
        "a" * 129,
        "a/b/c/d/e/f/g",
    ],
)
def test_a_name_leads_nowhere_else(documents, name):
    for act in (
        lambda: documents.read(name, 10),
        lambda: documents.size_bytes(name),
        lambda: documents.part(name, 0, 1),
        lambda: documents.write(name, b"x"),
    ):
        with pytest.raises(SettingInvalid):
            act()


def test_one_at_a_time_is_alone_and_a_failure_ends_it(documents):
    with pytest.raises(MonocoqueError), documents.alone():
        raise NotFound("Something went wrong inside.")
    with documents.alone():
        documents.write("a", b"x")
    assert documents.read("a", 1) == b"x"


# --- what only files have -------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from monocoque.plumbing.documents.files import FileDocuments
with FileDocuments(Path(sys.argv[1])).alone():
    print("alone", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_kept_out_until_this_one_is_killed(directory):
    documents = FileDocuments(directory)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout.readline() == b"alone\n"
        with pytest.raises(DataDirectoryInUse, match="Another process"), documents.alone():
            pass
    finally:
        process.kill()
        process.communicate()
    with documents.alone():
        pass


def test_others_cannot_read_it(directory):
    FileDocuments(directory).write("a/b", b"x")
    assert (directory / "a/b").stat().st_mode & 0o777 == 0o600
    assert (directory / "a").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (directory / "a").iterdir()] == ["b"]


def test_a_place_that_cannot_be_written_is_named(directory, tmp_path):
    tmp_path.joinpath("cell").write_text("a file")
    with pytest.raises(SettingInvalid):
        FileDocuments(directory).write("a", b"x")


# --- what only a world has ------------------------------------------------------------------


def test_the_dead_write_nothing():
    memory, life = MemoryDocuments(), Life("cell", "http", 1)
    documents = FencedDocuments(memory, life)
    life.end()
    with pytest.raises(MonocoqueError):
        documents.write("a", b"x")
    assert memory.files == {}
