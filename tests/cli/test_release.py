"""A release from the command line: made, signed by each company in its own place, published."""

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monocoque.cli.main import app
from monocoque.contracts.errors import (
    CredentialsRefused,
    KeyUnknown,
    MonocoqueError,
    NotFound,
    SettingInvalid,
    UpdateAltered,
    UpdateHardwareWrong,
    UpdateMalformed,
    UpdateOlder,
    UpdateThresholdUnmet,
    UpdateTooLarge,
)
from monocoque.contracts.updates import COMPANIES, IMAGE_BYTES_MAX
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.documents.files import FileDocuments
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.roles.layout import Layout
from monocoque.roles.programme import make_programme, places_of
from monocoque.trust.keys import SystemKeyMaker

BODY = "arden7-body"


def begin(data: Path) -> Layout:
    layout = Layout(data)
    layout.make()
    cell = FileKeyStore(layout.secrets)
    make_programme(
        places_of(layout, cell, FileDocuments(layout.documents)), SystemKeyMaker(), SystemClock()
    )
    return layout


class Shop:
    """A data directory as a first start leaves it, and a folder to work in."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.layout = begin(place / "data")
        self.notes = place / "notes"
        self.notes.mkdir()
        for language in ("en", "de", "zh"):
            text = f"# Title in {language}\n\nWhat is new: [red]brakes[/red].\n"
            (self.notes / f"{language}.md").write_text(text)
        self.image = place / "body.img"
        self.image.write_bytes(b"an image" * 100)

    def run(self, *words: str, error: type[MonocoqueError] | None = None, hint: str = "") -> str:
        """Run a command; what it printed. error: what it ends with instead."""
        result = CliRunner().invoke(app, ["release", *words, "--data", str(self.layout.path)])
        if error is None:
            assert result.exit_code == 0, (result.output, result.exception)
        else:
            assert type(result.exception) is error, (result.exception, result.output)
            assert hint in f"{result.exception.what} {result.exception.hint}"
        return result.output

    def new(self, out: str = "out", *more: str, image=None, error=None, hint="", version="1.2.0"):
        """Make a release; its folder."""
        folder = self.place / out
        named = f"{BODY}={self.image}" if image is None else image
        words = ["--version", version, "--notes", str(self.notes), "--image", named]
        self.run("new", *words, "--out", str(folder), *more, error=error, hint=hint)
        return folder

    def sign(self, folder: Path, *companies: str) -> None:
        for company in companies or tuple(COMPANIES):
            self.run("sign", str(folder), "--company", company)

    def publish(self, folder: Path, error=None, hint="") -> str:
        """Publish, or be refused with nothing changed."""
        before = self.published()
        said = self.run("publish", str(folder), error=error, hint=hint)
        assert (self.published() != before) == (error is None)
        return said

    def published(self) -> dict[str, bytes]:
        return {
            str(path): path.read_bytes()
            for path in self.layout.documents.rglob("*")
            if path.is_file()
        }

    def numbers(self) -> list[int]:
        return [row["number"] for row in json.loads(self.run("list", "--json"))["releases"]]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_release_is_made_signed_in_two_places_and_published(shop, tmp_path):
    folder = shop.new("out", "--critical", "--minutes", "7")
    away = {}
    for company in COMPANIES:
        keys = tmp_path / f"safe of {company}"
        shutil.move(shop.layout.company_secrets(company), keys)
        away[company] = tmp_path / f"copy for {company}"
        shutil.copytree(folder, away[company])
        said = shop.run("sign", str(away[company]), "--company", company, "--keys", str(keys))
        assert "Title in zh" in said
        assert "800 bytes, SHA-256" in said
    for company, copy in away.items():
        (folder / "signatures").mkdir(exist_ok=True)
        name = f"signatures/{company}.json"
        shutil.copy(copy / name, folder / name)
    assert "Release 2 (1.2.0) is published." in shop.publish(folder)
    assert shop.numbers() == [2, 1]
    found = json.loads(shop.run("list", "--json"))
    assert found["signed_by"] == ["arden", "lumio"]
    assert (found["releases"][0]["critical"], found["releases"][0]["minutes"]) == (True, 7)
    assert found["releases"][0]["image_bytes"] == 800
    table = shop.run("list")
    assert "1.2.0" in table
    assert "signed by arden, lumio" in table


@pytest.mark.parametrize("companies", [(), ("arden",), ("lumio", "lumio")])
def test_fewer_than_two_companies_publish_nothing(shop, companies):
    folder = shop.new()
    for company in companies:
        shop.sign(folder, company)
    shop.publish(folder, UpdateThresholdUnmet, "Have every company sign")
    assert shop.numbers() == [1]


def test_a_signature_under_the_name_of_the_other_company_counts_once(shop):
    folder = shop.new()
    shop.sign(folder, "arden")
    shutil.copy(folder / "signatures/arden.json", folder / "signatures/lumio.json")
    shop.publish(folder, UpdateThresholdUnmet, "1 of 2")


def test_a_key_signs_for_its_own_company_alone(shop, tmp_path):
    folder = shop.new()
    other = str(shop.layout.company_secrets("arden"))
    words = ("sign", str(folder), "--company", "lumio")
    shop.run(*words, "--keys", other, error=KeyUnknown)
    shop.run(*words, "--keys", str(tmp_path / "nowhere"), error=CredentialsRefused)
    shop.run("sign", str(folder), "--company", "../arden", error=SettingInvalid)
    stranger = begin(tmp_path / "stranger")
    keys = str(stranger.company_secrets("lumio"))
    shop.run(*words, "--keys", keys, error=KeyUnknown)
    root_key = tmp_path / "root key as release key"
    root_key.mkdir()
    shutil.copy(shop.layout.company_secrets("lumio") / "root-key", root_key / "release-key")
    shop.run(*words, "--keys", str(root_key), error=KeyUnknown)
    assert not (folder / "signatures").exists()


def test_numbers_grow_and_the_slower_of_two_releases_is_made_anew(shop):
    first, second = shop.new("first"), shop.new("second", version="1.3.0")
    for folder in (first, second):
        shop.sign(folder)
    shop.publish(first)
    shop.publish(second, UpdateOlder, "make the release anew")
    shop.publish(first, UpdateOlder)
    third = shop.new("third", version="1.3.0")
    shop.sign(third)
    shop.publish(third)
    assert shop.numbers() == [3, 2, 1]


def test_what_was_altered_after_signing_is_neither_published_nor_signed(shop):
    folder = shop.new()
    shop.sign(folder)
    image = next((folder / "files").rglob("*.img"))
    whole = image.read_bytes()
    for damaged, error in (
        (whole[:-1] + b"!", UpdateAltered),
        (whole[:-1], UpdateAltered),
        (whole + b"!", UpdateTooLarge),
    ):
        image.write_bytes(damaged)
        shop.publish(folder, error)
        shop.run("sign", str(folder), "--company", "arden", error=error)
    image.unlink()
    shop.publish(folder, UpdateAltered, "is not there")
    image.symlink_to("/dev/zero")
    shop.publish(folder, SettingInvalid, "no plain file")
    image.unlink()
    image.write_bytes(whole)
    shop.publish(folder)


@pytest.mark.parametrize("name", ["root.json", "previous.json", "targets.json"])
def test_damaged_metadata_is_refused(shop, name):
    folder = shop.new()
    shop.sign(folder)
    whole = (folder / name).read_bytes()
    for damaged in (b"", whole[:-2], b"[]", b"{" * 10_000, whole.replace(b'"version":', b'"v":')):
        (folder / name).write_bytes(damaged)
        shop.publish(folder, UpdateMalformed)
        shop.run("sign", str(folder), "--company", "arden", error=UpdateMalformed)


def test_a_signature_over_other_contents_is_refused(shop):
    one, other = shop.new("one"), shop.new("other", "--critical")
    for folder in (one, other):
        shop.sign(folder)
    shutil.copy(other / "signatures/lumio.json", one / "signatures/lumio.json")
    shop.publish(one, UpdateAltered)
    (one / "signatures/lumio.json").write_bytes(b"x" * 600_000)
    shop.publish(one, UpdateTooLarge)


def test_a_folder_that_claims_another_root_convinces_nobody(shop, tmp_path):
    """Somebody's own root and own keys: everything fits together, and it is not our programme."""
    (tmp_path / "stranger").mkdir()
    stranger = Shop(tmp_path / "stranger")
    folder = stranger.new()
    stranger.sign(folder)
    shop.publish(folder, UpdateThresholdUnmet, "0 of 2")


@pytest.mark.parametrize(
    ("image", "error"),
    [
        pytest.param("arden9-body=body.img", UpdateHardwareWrong, id="unknown hardware"),
        pytest.param(BODY, SettingInvalid, id="no file"),
        pytest.param(f"{BODY}=nothing.img", SettingInvalid, id="a file that is not there"),
        pytest.param(f"{BODY}=/dev/zero", SettingInvalid, id="an endless file"),
        pytest.param(f"{BODY}=.", SettingInvalid, id="a folder"),
        pytest.param(f"{BODY}=pipe", SettingInvalid, id="a pipe"),
        pytest.param(f"{BODY}=empty.img", UpdateMalformed, id="an empty file"),
        pytest.param(f"{BODY}=large.img", UpdateTooLarge, id="a file that is too large"),
    ],
)
def test_an_image_that_cannot_be_one_is_refused(shop, monkeypatch, image, error):
    monkeypatch.chdir(shop.place)
    os.mkfifo("pipe")
    Path("empty.img").touch()
    with Path("large.img").open("wb") as file:
        file.truncate(IMAGE_BYTES_MAX + 1)  # a hole: no room on the disk
    folder = shop.new(image=image, error=error)
    assert not folder.exists()


def test_two_images_for_one_control_unit_are_refused(shop):
    shop.new("out", "--image", f"{BODY}={shop.image}", error=SettingInvalid, hint="two images")


@pytest.mark.parametrize(
    ("language", "text", "error"),
    [
        ("de", None, SettingInvalid),
        ("zh", b"no title\n\ntext", UpdateMalformed),
        ("en", b"# Title alone\n\n", UpdateMalformed),
        ("en", b"\xff\xfe", UpdateMalformed),
        ("en", b"# Title\n\nbell \x07", UpdateMalformed),
        ("en", b"# " + b"T" * 101 + b"\n\ntext", UpdateMalformed),
        ("en", b"# Title\n\n" + b"x" * 6_001, UpdateMalformed),
        ("en", b"# Title\n\n" + b"x" * 70_000, UpdateTooLarge),
    ],
)
def test_notes_that_say_nothing_in_a_language_are_refused(shop, language, text, error):
    path = shop.notes / f"{language}.md"
    path.unlink() if text is None else path.write_bytes(text)
    shop.new(error=error)


@pytest.mark.parametrize("version", ["1.2", "next", "1.2.3.4"])
def test_a_version_that_is_none_is_refused(shop, version):
    shop.new(version=version, error=UpdateMalformed)


def test_a_folder_with_something_in_it_is_left_alone(shop):
    shop.new()
    shop.new(error=SettingInvalid, hint="not empty")


def test_a_place_without_an_installation_says_what_to_do(tmp_path):
    result = CliRunner().invoke(app, ["release", "list", "--data", str(tmp_path / "none")])
    assert isinstance(result.exception, NotFound)
    assert "Start the cell once" in result.exception.hint
