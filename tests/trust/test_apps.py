"""Packages of apps: the right ones are taken, and each wrong one is refused by its own error."""

import io
import random
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.apps import Manifest, write_manifest
from monocoque.contracts.documents import APP_RELEASE
from monocoque.contracts.errors import (
    AppAltered,
    AppMalformed,
    AppPublisherUnknown,
    AppRefused,
    AppTooLarge,
)
from monocoque.trust import apps
from monocoque.trust.apps import (
    FILE_BYTES_MAX,
    FILES_MAX,
    MANIFEST,
    PACKAGE_BYTES_MAX,
    SIGNATURE,
    pack,
    unpack,
)
from monocoque.trust.documents import sign
from monocoque.trust.keys import SeededKeyMaker

NOW_US = 1_800_000_000_000_000
_MAKER = SeededKeyMaker(random.Random(6).randbytes)
PUBLISHER, STRANGER = _MAKER.make("EdDSA"), _MAKER.make("EdDSA")
CAMP = Manifest("camp", "1.0.0", "Example", "Keeps the cabin warm.", "app:Camp", ())
TEXT = write_manifest(CAMP)
FILES = {"app.py": b"class Camp: ...\n", "data/größe.json": b"{}", "empty.txt": b""}


def find_key(key_id):
    return PUBLISHER.public_jwk if key_id == PUBLISHER.key_id else None


def packed(**more):
    return pack(TEXT, FILES | more, PUBLISHER, NOW_US)


def read(package):
    return unpack(package, find_key, NOW_US)


def signed_archive(claims=None, files=None, head=None):
    """An archive with a signature that nobody but a liar, or a wrong program, would make."""
    whole = {MANIFEST: TEXT, **(FILES if files is None else files)}
    said = {
        "iss": CAMP.publisher,
        "sub": CAMP.name,
        "iat": NOW_US // 1_000_000,
        "version": CAMP.version,
        "files": apps._digests(whole),
    } | (claims or {})
    return apps._archive({SIGNATURE: head or sign(APP_RELEASE, said, PUBLISHER), **whole})


def test_a_package_is_read_as_it_was_packed_and_packed_alike_twice():
    package = packed()
    found = read(package)
    assert (found.manifest, found.files, found.key_id) == (CAMP, FILES, PUBLISHER.key_id)
    assert package == pack(TEXT, dict(reversed(FILES.items())), PUBLISHER, NOW_US)


def test_any_tar_reads_it():
    with tarfile.open(fileobj=io.BytesIO(packed()), mode="r:") as archive:
        assert archive.getnames() == [SIGNATURE, MANIFEST, *sorted(FILES)]
        assert archive.extractfile("app.py").read() == FILES["app.py"]


def test_an_altered_file_is_refused_by_its_name():
    with pytest.raises(AppAltered, match=r"app\.py"):
        read(packed().replace(b"class Camp", b"class Cramp"[:10]))
    with pytest.raises(AppAltered, match=r"manifest\.json"):
        read(packed().replace(b"warm.", b"cold."))


def test_a_file_that_was_added_or_taken_away_is_refused():
    with pytest.raises(AppAltered, match="more"):
        read(apps._archive({**apps._files_of(packed()), "more.py": b""}))
    files = apps._files_of(packed())
    del files["empty.txt"]
    with pytest.raises(AppAltered, match="empty"):
        read(apps._archive(files))


def test_a_foreign_key_is_refused():
    with pytest.raises(AppPublisherUnknown):
        read(pack(TEXT, FILES, STRANGER, NOW_US))


def test_a_signature_by_another_key_than_it_names_is_refused():
    files = apps._files_of(packed())
    files[SIGNATURE] = files[SIGNATURE][:-2] + (b"AA" if files[SIGNATURE][-2:] != b"AA" else b"BA")
    with pytest.raises((AppAltered, AppMalformed)):
        read(apps._archive(files))
    head, claims, _ = files[SIGNATURE].split(b".")
    files[SIGNATURE] = b".".join((head, claims, b"A" * 86))
    with pytest.raises(AppAltered, match="key"):
        read(apps._archive(files))


def test_a_signature_of_another_app_version_or_form_is_refused():
    with pytest.raises(AppMalformed, match="two apps"):
        read(signed_archive({"version": "2.0.0"}))
    with pytest.raises(AppMalformed, match="which files"):
        read(signed_archive({"files": [1]}))
    with pytest.raises(AppMalformed, match="cannot be taken"):
        read(signed_archive(head=b"x"))


def test_the_entry_is_among_the_files():
    with pytest.raises(AppMalformed, match=r"app\.py"):
        pack(TEXT, {"other.py": b""}, PUBLISHER, NOW_US)
    with pytest.raises(AppMalformed, match=r"app\.py"):
        read(signed_archive(files={"other.py": b""}))


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../app.py", "a/../b", "a//b", "a\\b", ".hidden", "C:x", "a\n", "x" * 101,
     "1/2/3/4/5/6/7", "", "ö" * 51, "\udc80"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused_when_packed(path):
    with pytest.raises(AppMalformed, match="no name"):
        packed(**{path: b""})


def test_a_name_that_leads_elsewhere_is_refused_when_read():
    package = bytearray(signed_archive(files={"app.py": b"", "aa/b": b""}))
    at = package.index(b"aa/b" + b"\0" * 96)
    package[at : at + 4] = b"../b"
    with pytest.raises(AppMalformed, match="no name"):
        read(bytes(package))


def test_names_of_our_own_are_not_packed():
    with pytest.raises(AppMalformed, match="leave it out"):
        packed(**{MANIFEST: b"{}"})


def with_header(change):
    """A package one of whose headers another program wrote."""
    info = tarfile.TarInfo("app.py")
    change(info)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(info)
    return raw.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        lambda info: setattr(info, "type", tarfile.SYMTYPE),
        lambda info: setattr(info, "type", tarfile.DIRTYPE),
        lambda info: setattr(info, "mode", 0o4755),
        lambda info: setattr(info, "mtime", 1),
        lambda info: setattr(info, "linkname", "/etc/passwd"),
    ],
)
def test_a_header_of_another_kind_is_refused(change):
    with pytest.raises(AppMalformed):
        read(with_header(change))


def test_what_is_no_archive_is_refused():
    whole = packed()
    for data in (b"", b"\0" * 1_024, b"x", whole[:700], whole[:-1], whole + b"\0", b"\xff" * 512):
        with pytest.raises(AppMalformed):
            read(data)
    files = apps._files_of(whole)
    with pytest.raises(AppMalformed, match="no archive"):
        read(apps._archive(dict([*list(files.items())[:2], *list(files.items())[:1:-1]])))
    with pytest.raises(AppMalformed, match="twice"):
        read(apps._header("a", 0) * 2 + b"\0" * 1_024)
    size = bytearray(apps._header("a", 0))
    size[124:136] = b"99999999999\0"
    with pytest.raises(AppMalformed, match="header"):
        read(bytes(size))
    with pytest.raises(AppMalformed, match="begins with"):
        read(apps._archive({"app.py": b""}))


def test_sizes_end_somewhere():
    with pytest.raises(AppTooLarge, match=str(PACKAGE_BYTES_MAX)):
        read(b"\0" * (PACKAGE_BYTES_MAX + 1))
    with pytest.raises(AppTooLarge, match=str(FILE_BYTES_MAX)):
        packed(**{"large.bin": b"\0" * (FILE_BYTES_MAX + 1)})
    with pytest.raises(AppTooLarge, match=str(FILES_MAX)):
        packed(**{f"{number}.txt": b"" for number in range(FILES_MAX)})


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_no_bit_of_a_package_can_be_changed(at, bits):
    package = bytearray(packed())
    package[at % len(package)] ^= bits
    with pytest.raises((AppRefused, AppPublisherUnknown)):
        read(bytes(package))
