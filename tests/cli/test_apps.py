"""``monocoque app`` and ``monocoque car apps``: what a person types, and what they answer."""

import json
import signal
import subprocess
import sys
from random import Random

import pytest

from monocoque.car.apps import records as app_records
from monocoque.cli import apps_at_car, apps_making
from monocoque.contracts.errors import (
    AppMalformed,
    AppMarketWrong,
    AppPublisherUnknown,
    AppTooLarge,
    CredentialsRefused,
    NotFound,
    SettingInvalid,
)
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.records.sqlite import SqliteRecords
from monocoque.roles.layout import Layout
from monocoque.roles.migrations import migrate_connection
from monocoque.trust.apps import PACKAGE_BYTES_MAX
from monocoque.trust.keys import SystemKeyMaker, load_key

CAR_ID = CarId("car_0123456789abcdefghjkmnpqrs")


@pytest.fixture
def data(tmp_path):
    """A data directory with a car that was started once."""
    place = Layout(tmp_path / "data").car(CAR_ID)
    place.make()
    records = SqliteRecords(place.records, Random(1))
    records.transact_once(migrate_connection)
    records.close_now()
    return tmp_path / "data"


@pytest.fixture
def package(tmp_path):
    """The package of a new app, beside its keys."""
    apps_making.make_folder("night-light", tmp_path)
    out = tmp_path / "night-light.app"
    apps_making.make_package(tmp_path / "night_light", tmp_path / "me.key", out)
    return out


def test_a_new_folder_has_an_app_whose_test_passes(tmp_path, capsys):
    apps_making.make_folder("night-light", tmp_path)
    assert "night_light has an app" in capsys.readouterr().out
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "night_light"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout
    with pytest.raises(SettingInvalid, match="is there already"):
        apps_making.make_folder("night-light", tmp_path)
    with pytest.raises(SettingInvalid, match="another kind of name"):
        apps_making.make_folder("../evil", tmp_path)


def test_a_key_is_made_once_and_its_public_half_lies_beside_it(tmp_path, package, capsys):
    apps_making.make_package(tmp_path / "night_light", tmp_path / "another.key", package)
    said = capsys.readouterr().out
    assert "is a new key" in said
    assert "actuate  Vehicle.Cabin.HVAC.IsAirConditioningActive" in said
    key = load_key((tmp_path / "me.key").read_bytes())
    assert json.loads((tmp_path / "me.public.json").read_bytes()) == key.public_jwk
    assert (tmp_path / "me.key").stat().st_mode & 0o777 == 0o600
    apps_making.make_package(tmp_path / "night_light", tmp_path / "me.key", package)
    assert "new key" not in capsys.readouterr().out


def test_what_cannot_be_a_publishers_key_is_refused(tmp_path, package):
    (tmp_path / "other.key").write_bytes(SystemKeyMaker().make("ES256").export())
    with pytest.raises(CredentialsRefused, match="another kind"):
        apps_making.make_package(tmp_path / "night_light", tmp_path / "other.key", package)
    (tmp_path / "large.key").write_bytes(b"x" * 5_000)
    with pytest.raises(CredentialsRefused, match="is no key"):
        apps_making.make_package(tmp_path / "night_light", tmp_path / "large.key", package)
    with pytest.raises(AppMalformed, match=r"no app\.py"):
        apps_making.make_package(tmp_path, tmp_path / "me.key", package)


def test_an_app_is_installed_listed_stopped_started_and_removed(tmp_path, data, package, capsys):
    with pytest.raises(AppPublisherUnknown):
        apps_at_car.install(data, CAR_ID, package, None)
    apps_at_car.install(data, CAR_ID, package, tmp_path / "me.public.json")
    assert "it may actuate Vehicle.Cabin.HVAC" in capsys.readouterr().out
    apps_at_car.show(data, CAR_ID, as_json=True)
    listed = json.loads(capsys.readouterr().out)
    (app,) = listed["apps"]
    assert (app["name"], app["state"], app["version"]) == ("night-light", "installed", "0.1.0")
    assert listed["publishers"] == [app["key_id"]]
    apps_at_car.show(data, CAR_ID, as_json=False)
    assert "night-light" in capsys.readouterr().out
    for command in (apps_at_car.stop, apps_at_car.start, apps_at_car.remove):
        command(data, CAR_ID, "night-light")
        with pytest.raises(NotFound):
            command(data, CAR_ID, "day-light")
    apps_at_car.distrust(data, CAR_ID, app["key_id"])
    capsys.readouterr()
    apps_at_car.show(data, CAR_ID, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"apps": [], "publishers": []}


def test_a_log_is_printed_from_its_beginning(tmp_path, data, package, capsys):
    apps_at_car.install(data, CAR_ID, package, tmp_path / "me.public.json")
    capsys.readouterr()
    apps_at_car.print_log(data, CAR_ID, "night-light", follows=False)
    assert capsys.readouterr().out == ""
    place = Layout(data).car(CAR_ID).apps / "night-light/log.txt"
    place.write_bytes("grüß\n".encode() + b"\xff\n")
    apps_at_car.print_log(data, CAR_ID, "night-light", follows=False)
    assert capsys.readouterr().out == "grüß\n\ufffd\n"
    with pytest.raises(NotFound, match="has no app"):
        apps_at_car.print_log(data, CAR_ID, "../../secrets", follows=False)


def test_a_log_is_followed_into_the_next_file_until_ctrl_c(tmp_path, data, package):
    apps_at_car.install(data, CAR_ID, package, tmp_path / "me.public.json")
    place = Layout(data).car(CAR_ID).apps / "night-light/log.txt"
    place.write_text("first\n")
    command = ["car", "apps", "logs", CAR_ID, "night-light", "-f", "--data", str(data)]
    with subprocess.Popen(
        [sys.executable, "-m", "monocoque.cli.main", *command],
        stdout=subprocess.PIPE,
        text=True,
        # A shell's background job ignores Ctrl-C, and so would all that it starts.
        preexec_fn=_listen_to_ctrl_c,
    ) as following:
        try:
            assert following.stdout.readline() == "first\n"
            with place.open("a") as file:
                file.write("second\n")
            assert following.stdout.readline() == "second\n"
            place.replace(place.with_name("log.1.txt"))
            place.write_text("third\n")
            assert following.stdout.readline() == "third\n"
            following.send_signal(signal.SIGINT)
            assert following.wait(20) == 0
        finally:
            following.kill()


def _listen_to_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_files_that_are_no_keys_and_no_packages_are_refused(tmp_path, data):
    private = tmp_path / "private.json"
    private.write_bytes(SystemKeyMaker().make("EdDSA").export())
    for content in (b"", b"[]", b"{", b"[" * 4_000, private.read_bytes()):
        (tmp_path / "key").write_bytes(content)
        with pytest.raises(CredentialsRefused, match="no public key"):
            apps_at_car.trust(data, CAR_ID, tmp_path / "key")
    with pytest.raises(NotFound, match="no file"):
        apps_at_car.install(data, CAR_ID, tmp_path / "nothing.app", None)
    (tmp_path / "large.app").write_bytes(b"\0" * (PACKAGE_BYTES_MAX + 1))
    with pytest.raises(AppTooLarge):
        apps_at_car.install(data, CAR_ID, tmp_path / "large.app", None)


def test_the_market_of_the_cars_is_a_setting(tmp_path, data, package):
    (tmp_path / "night_light/app.py").write_text(
        (tmp_path / "night_light/app.py")
        .read_text()
        .replace("    publisher =", '    markets = ("US",)\n    publisher =')
    )
    apps_making.make_package(tmp_path / "night_light", tmp_path / "me.key", package)
    with pytest.raises(AppMarketWrong, match="the car is in DE"):
        apps_at_car.install(data, CAR_ID, package, tmp_path / "me.public.json")
    Layout(data).settings.write_text('[apps]\nmarket = "US"\n')
    apps_at_car.install(data, CAR_ID, package, None)
    Layout(data).settings.write_text('[apps]\nmarket = "us"\n')
    with pytest.raises(SettingInvalid, match="no market"):
        apps_at_car.install(data, CAR_ID, package, None)


def test_an_order_counts(data, tmp_path, package):
    apps_at_car.install(data, CAR_ID, package, tmp_path / "me.public.json")
    apps_at_car.stop(data, CAR_ID, "night-light")
    records = SqliteRecords(Layout(data).car(CAR_ID).records, Random(1))
    (app,) = records.transact_once(app_records.every_app)
    records.close_now()
    assert (app.wanted, app.orders) == ("stop", 2)
