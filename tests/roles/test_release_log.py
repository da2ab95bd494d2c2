"""The release log of the phone site: what passes, and everything that an altered one gives away."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from monocoque.contracts.documents import PHONE_RELEASE
from monocoque.contracts.errors import (
    KeyUnknown,
    MonocoqueError,
    PagesAltered,
    PagesMissing,
    SignatureInvalid,
)
from monocoque.roles.release_log import (
    BUNDLE_NAME,
    FIRST_PREVIOUS,
    KEY_NAME,
    LOG_NAME,
    bundle_sha256,
    check_phone_release,
    read_release_log,
)
from monocoque.trust.documents import sign
from monocoque.trust.keys import PrivateKey, SeededKeyMaker

NOW_S = 1_795_532_645
NOW_US = NOW_S * 1_000_000
PRODUCT = "0.2.0"
KEY = SeededKeyMaker(Random(1).randbytes).make("EdDSA")
OTHER_KEY = SeededKeyMaker(Random(2).randbytes).make("EdDSA")


def entry(version: str, bundle: str, previous: str, key: PrivateKey = KEY) -> bytes:
    """One line of a log."""
    claims = {"iss": "build", "iat": NOW_S, "version": version}
    return sign(PHONE_RELEASE, claims | {"bundle_sha256": bundle, "previous_sha256": previous}, key)


def write_log(pages: Path, lines: list[bytes]) -> None:
    """Write these lines as the log."""
    (pages / LOG_NAME).write_bytes(b"".join(line + b"\n" for line in lines))


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Built pages of two releases."""
    phone = tmp_path / BUNDLE_NAME
    (phone / "assets").mkdir(parents=True)
    (phone / "index.html").write_text("<!doctype html>")
    (phone / "assets/index.js").write_text("export {}")
    (tmp_path / KEY_NAME).write_text(json.dumps(dict(KEY.public_jwk) | {"use": "sig"}))
    first = entry("0.1.0", "1" * 64, FIRST_PREVIOUS)
    last = entry(PRODUCT, bundle_sha256(phone), hashlib.sha256(first).hexdigest())
    write_log(tmp_path, [first, last])
    return tmp_path


def lines_of(pages: Path) -> list[bytes]:
    """The lines of the log."""
    return (pages / LOG_NAME).read_bytes().splitlines()


def test_the_pages_of_the_last_release_pass(pages: Path) -> None:
    last = check_phone_release(pages, PRODUCT, NOW_US)
    assert last.text("version") == PRODUCT
    assert [each.document for each in read_release_log(pages, NOW_US)] == lines_of(pages)


def test_the_hash_is_what_sha256sum_prints(pages: Path) -> None:
    names = sorted(["index.html", "assets/index.js"])
    program = shutil.which("sha256sum")
    assert program is not None
    printed = subprocess.run(
        [program, *names], cwd=pages / BUNDLE_NAME, capture_output=True, check=True
    ).stdout
    assert bundle_sha256(pages / BUNDLE_NAME) == hashlib.sha256(printed).hexdigest()


def alter_file(pages: Path) -> None:
    (pages / BUNDLE_NAME / "assets/index.js").write_text("export { secret }")


def add_file(pages: Path) -> None:
    (pages / BUNDLE_NAME / "more.js").write_text("")


def remove_file(pages: Path) -> None:
    (pages / BUNDLE_NAME / "index.html").unlink()


def remove_first_entry(pages: Path) -> None:
    write_log(pages, lines_of(pages)[1:])


def remove_last_entry(pages: Path) -> None:
    write_log(pages, lines_of(pages)[:1])


def repeat_entry(pages: Path) -> None:
    write_log(pages, [*lines_of(pages), lines_of(pages)[1]])


def enter_with_another_key(pages: Path) -> None:
    lines = lines_of(pages)
    previous = hashlib.sha256(lines[-1]).hexdigest()
    bundle = bundle_sha256(pages / BUNDLE_NAME)
    write_log(pages, [*lines, entry(PRODUCT, bundle, previous, OTHER_KEY)])


def alter_signature(pages: Path) -> None:
    lines = lines_of(pages)
    body = lines[1].rpartition(b".")[0]
    write_log(pages, [lines[0], body + b"." + lines[0].rpartition(b".")[2]])


def empty_log(pages: Path) -> None:
    write_log(pages, [])


def remove_log(pages: Path) -> None:
    (pages / LOG_NAME).unlink()


def remove_key(pages: Path) -> None:
    (pages / KEY_NAME).unlink()


def damage_key(pages: Path) -> None:
    (pages / KEY_NAME).write_text("{")


@pytest.mark.parametrize(
    ("alter", "error"),
    [
        pytest.param(alter_file, PagesAltered, id="file-altered"),
        pytest.param(add_file, PagesAltered, id="file-added"),
        pytest.param(remove_file, PagesAltered, id="file-removed"),
        pytest.param(remove_first_entry, PagesAltered, id="first-entry-removed"),
        pytest.param(remove_last_entry, PagesAltered, id="last-entry-removed"),
        pytest.param(repeat_entry, PagesAltered, id="entry-repeated"),
        pytest.param(enter_with_another_key, PagesAltered, id="entry-of-another-key"),
        pytest.param(alter_signature, PagesAltered, id="signature-of-another-entry"),
        pytest.param(empty_log, PagesMissing, id="log-empty"),
        pytest.param(remove_log, PagesMissing, id="log-missing"),
        pytest.param(remove_key, PagesMissing, id="key-missing"),
        pytest.param(damage_key, PagesAltered, id="key-damaged"),
    ],
)
def test_whatever_was_altered_is_found(
    alter: Callable[[Path], None], error: type[MonocoqueError], pages: Path
) -> None:
    alter(pages)
    with pytest.raises(error):
        check_phone_release(pages, PRODUCT, NOW_US)


def test_the_reason_of_a_refused_entry_is_kept(pages: Path) -> None:
    alter_signature(pages)
    with pytest.raises(PagesAltered) as refused:
        read_release_log(pages, NOW_US)
    assert isinstance(refused.value.__cause__, SignatureInvalid)
    enter_with_another_key(pages)
    write_log(pages, lines_of(pages)[2:])
    with pytest.raises(PagesAltered) as refused:
        read_release_log(pages, NOW_US)
    assert isinstance(refused.value.__cause__, KeyUnknown)


def test_pages_of_another_version_are_found(pages: Path) -> None:
    with pytest.raises(PagesAltered, match=r"0\.2\.0.*0\.3\.0"):
        check_phone_release(pages, "0.3.0", NOW_US)
