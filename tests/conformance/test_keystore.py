"""The keystore's promises, on real files."""

import random

import pytest

from monocoque.contracts.errors import CredentialsRefused, NotWritable, SettingInvalid
from monocoque.plumbing.keystore.files import SECRET_BYTES_MAX, FileKeyStore
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.trust.keys import SeededKeyMaker, load_key


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "car" / "secrets"


@pytest.fixture
def keystore(directory) -> KeyStore:
    return FileKeyStore(directory)


def test_a_secret_is_there_for_the_next_process(keystore, directory):
    keystore.write("bus", b"secret")
    assert keystore.read("bus") == b"secret"
    assert FileKeyStore(directory).read("bus") == b"secret"


def test_a_new_place_has_no_secrets_and_reading_makes_none(keystore, directory):
    assert keystore.read("bus") is None
    assert keystore.names() == []
    assert not directory.exists()


def test_a_secret_is_for_its_owner_alone(keystore, directory):
    keystore.write("bus", b"secret")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "bus").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_was_open_is_closed_at_the_next_write(keystore, directory):
    keystore.write("bus", b"secret")
    directory.chmod(0o755)
    (directory / "bus").chmod(0o644)
    keystore.write("bus", b"newer")
    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "bus").stat().st_mode & 0o777 == 0o600


def test_a_shorter_secret_replaces_a_longer_one_wholly(keystore, directory):
    keystore.write("bus", b"a much longer secret")
    keystore.write("bus", b"short")
    assert keystore.read("bus") == b"short"
    assert [path.name for path in directory.iterdir()] == ["bus"]


def test_names_are_sorted_and_half_written_files_are_none(keystore, directory):
    for name in ("car", "bus", "a-b_1"):
        keystore.write(name, b"x")
    (directory / ".bus.17.new").write_bytes(b"half")
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


@pytest.mark.parametrize(
    "content", [b"", b"x" * (SECRET_BYTES_MAX + 1)], ids=["empty", "too large"]
)
def test_a_damaged_secret_is_refused_and_not_shown(keystore, directory, content):
    keystore.write("bus", b"secret")
    with pytest.raises(CredentialsRefused):
        keystore.write("bus", content)
    assert keystore.read("bus") == b"secret"
    (directory / "bus").write_bytes(content)
    with pytest.raises(CredentialsRefused) as caught:
        keystore.read("bus")
    assert len(str(caught.value)) < 100


def test_the_largest_secret_is_kept(keystore):
    keystore.write("bus", b"x" * SECRET_BYTES_MAX)
    assert len(keystore.read("bus")) == SECRET_BYTES_MAX


def test_trouble_with_the_disk_is_told_in_our_words(tmp_path):
    (tmp_path / "secrets").write_bytes(b"a file stands here")
    with pytest.raises((SettingInvalid, NotWritable)):
        FileKeyStore(tmp_path / "secrets").write("bus", b"secret")
