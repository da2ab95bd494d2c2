"""The keystore's promises: on real files and on the disk of a world, and what only files have."""

import random
import subprocess
import sys

import pytest

from monocoque.contracts.errors import (
    CredentialsRefused,
    DiskFull,
    MonocoqueError,
    NotWritable,
    SettingInvalid,
)
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.keystore.rules import SECRET_BYTES_MAX
from monocoque.sim.power import VirtualKeyStore
from monocoque.trust.keys import SeededKeyMaker, load_key


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "car" / "secrets"


@pytest.fixture(params=["files", "world"])
def keystore(request, directory) -> KeyStore:
    return FileKeyStore(directory) if request.param == "files" else VirtualKeyStore()


@pytest.fixture
def files(directory) -> FileKeyStore:
    return FileKeyStore(directory)


# --- what every keystore promises ------------------------------------------------------------


def test_a_new_place_has_no_secrets(keystore):
    assert keystore.read("bus") is None
    assert keystore.names() == []


def test_a_secret_is_there_until_another_takes_its_place(keystore):
    keystore.write("bus", b"a much longer secret")
    assert keystore.read("bus") == b"a much longer secret"
    keystore.write("bus", b"short")
    assert keystore.read("bus") == b"short"
    assert keystore.read("car") is None


def test_names_are_sorted(keystore):
    for name in ("car", "bus", "a-b_1"):
        keystore.write(name, b"x")
    assert keystore.names() == ["a-b_1", "bus", "car"]


def test_a_key_comes_back_as_it_went_in(keystore):
    key = SeededKeyMaker(random.Random(3).randbytes).make("ES256")
    keystore.write("car", key.export())
    assert load_key(keystore.read("car")).key_id == key.key_id


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../bus", "a/b", "/bus", "Bus", "bus.new", "bus\n", "b us", "é", "x" * 65],
)
def test_a_name_cannot_leave_the_folder(keystore, name):
    with pytest.raises(SettingInvalid):
        keystore.write(name, b"secret")
    with pytest.raises(SettingInvalid):
        keystore.read(name)
    assert keystore.names() == []


@pytest.mark.parametrize(
    "content", [b"", b"x" * (SECRET_BYTES_MAX + 1)], ids=["empty", "too large"]
)
def test_what_is_no_secret_does_not_take_the_place_of_one(keystore, content):
    keystore.write("bus", b"secret")
    with pytest.raises(CredentialsRefused):
        keystore.write("bus", content)
    assert keystore.read("bus") == b"secret"


def test_the_largest_secret_is_kept(keystore):
    keystore.write("bus", b"x" * SECRET_BYTES_MAX)
    assert len(keystore.read("bus")) == SECRET_BYTES_MAX


def test_a_secret_that_its_owner_goes_on_writing_in_is_not_changed(keystore):
    changing = bytearray(b"secret")
    keystore.write("bus", changing)
    changing[:] = b"public"
    assert keystore.read("bus") == b"secret"


# --- what files have besides -----------------------------------------------------------------


def test_a_secret_is_there_for_the_next_process(files, directory):
    files.write("bus", b"secret")
    assert FileKeyStore(directory).read("bus") == b"secret"


def test_reading_makes_no_folder(files, directory):
    assert files.read("bus") is None
    assert files.names() == []
    assert not directory.exists()


def test_a_secret_is_for_its_owner_alone(files, directory):
    files.write("bus", b"secret")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "bus").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_was_open_is_closed_at_the_next_write(files, directory):
    files.write("bus", b"secret")
    directory.chmod(0o755)
    (directory / "bus").chmod(0o644)
    files.write("bus", b"newer")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "bus").stat().st_mode & 0o777 == 0o600


def test_nothing_is_left_beside_a_secret_and_half_written_files_are_none(files, directory):
    files.write("bus", b"a much longer secret")
    files.write("bus", b"short")
    assert [path.name for path in directory.iterdir()] == ["bus"]
    (directory / ".bus.17.new").write_bytes(b"half")
    assert files.names() == ["bus"]


@pytest.mark.parametrize(
    "content", [b"", b"\xfe" * (SECRET_BYTES_MAX + 1)], ids=["empty", "too large"]
)
def test_a_damaged_secret_is_refused_and_not_shown(files, directory, content):
    files.write("bus", b"secret")
    (directory / "bus").write_bytes(content)
    with pytest.raises(CredentialsRefused) as caught:
        files.read("bus")
    assert len(str(caught.value)) < 100


WRITING_AFTER = """
import os, resource, signal, sys
from pathlib import Path
from monocoque.contracts.errors import MonocoqueError
from monocoque.plumbing.keystore.files import FileKeyStore
{before}
try:
    FileKeyStore(Path(sys.argv[1])).write("bus", b"a longer secret")
except MonocoqueError as error:
    print(error.code)
"""
WITHOUT_ROOM = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
"""
AS_NOBODY = "if os.geteuid() == 0: os.seteuid(65534)  # the superuser may write anywhere"


def code_of_writing_after(before, directory):
    """What a process of its own says, whose system is set up like this."""
    command = [sys.executable, "-c", WRITING_AFTER.format(before=before), str(directory)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


def test_without_room_the_older_secret_stays(files, directory):
    files.write("bus", b"secret")
    assert code_of_writing_after(WITHOUT_ROOM, directory) == DiskFull.code
    assert files.read("bus") == b"secret"
    assert [path.name for path in directory.iterdir()] == ["bus"]


def test_a_file_in_place_of_the_folder_is_told_in_our_words(tmp_path):
    standing = tmp_path / "secrets"
    standing.write_bytes(b"a file stands here")
    for act in (
        lambda: FileKeyStore(standing).read("bus"),
        lambda: FileKeyStore(standing).write("bus", b"secret"),
        lambda: FileKeyStore(standing).names(),
    ):
        with pytest.raises(SettingInvalid):
            act()
    assert standing.read_bytes() == b"a file stands here"


def test_a_folder_in_place_of_a_secret_is_told_in_our_words(files, directory):
    (directory / "bus").mkdir(parents=True)
    with pytest.raises(SettingInvalid):
        files.read("bus")
    with pytest.raises(MonocoqueError):
        files.write("bus", b"secret")


def test_a_place_where_one_may_not_write_is_told_in_our_words(tmp_path):
    tmp_path.chmod(0o500)
    assert code_of_writing_after(AS_NOBODY, tmp_path / "secrets") == NotWritable.code
    tmp_path.chmod(0o700)
    assert list(tmp_path.iterdir()) == []
