"""Settings: which of three places wins, and what is refused."""

import dataclasses
from pathlib import Path

import pytest

from monocoque.car.link.config import LinkConfig
from monocoque.cli.config import StartConfig
from monocoque.cli.settings import SECTIONS, Setting, read_settings
from monocoque.contracts.errors import SettingInvalid
from monocoque.contracts.rights import Site
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.records.config import RecordsConfig

NAME = "link.hello_interval_s"
VARIABLE = "MONOCOQUE_LINK_HELLO_INTERVAL_S"


def written(directory: Path, content: str) -> Path:
    """A settings file."""
    file = directory / "monocoque.toml"
    file.write_bytes(content.encode("latin-1"))
    return file


@pytest.mark.parametrize(
    ("content", "environment", "value", "source"),
    [
        pytest.param("", {}, LinkConfig().hello_interval_s, "default", id="default"),
        pytest.param("[link]\nhello_interval_s = 4.5", {}, 4.5, "FILE", id="file"),
        pytest.param("[link]\nhello_interval_s = 4", {}, 4.0, "FILE", id="whole-number"),
        pytest.param("", {VARIABLE: "2.5"}, 2.5, f"environment {VARIABLE}", id="environment"),
        pytest.param(
            "[link]\nhello_interval_s = 4.5",
            {VARIABLE: "2"},
            2.0,
            f"environment {VARIABLE}",
            id="environment-over-file",
        ),
    ],
)
def test_the_nearest_place_wins_and_is_named(
    content: str, environment: dict[str, str], value: float, source: str, tmp_path: Path
) -> None:
    file = written(tmp_path, content)
    configs, settings = read_settings(file, environment)
    config = configs[LinkConfig]
    assert config.hello_interval_s == value
    assert type(config.hello_interval_s) is float
    assert config.hello_retry_s == LinkConfig().hello_retry_s
    sources = {setting.name: (setting.value, setting.source) for setting in settings}
    assert sources[NAME] == (value, source.replace("FILE", str(file)))
    assert sources["link.hello_retry_s"] == (LinkConfig().hello_retry_s, "default")


def test_without_a_file_every_section_has_its_defaults(tmp_path: Path) -> None:
    configs, settings = read_settings(tmp_path / "monocoque.toml", {})
    assert configs == {kind: kind() for kind in SECTIONS.values()}
    assert {setting.source for setting in settings} == {"default"}


def test_what_an_argument_may_also_say_stands_in_no_section(tmp_path: Path) -> None:
    file = written(tmp_path, "port = 0\ncars = 5")
    assert read_settings(file, {})[0][StartConfig] == StartConfig(port=0, cars=5)
    configs, shown = read_settings(file, {"MONOCOQUE_PORT": "8080"})
    assert configs[StartConfig] == StartConfig(port=8_080, cars=5)
    assert Setting("port", 8_080, "environment MONOCOQUE_PORT") in shown
    assert Setting("cars", 5, str(file)) in shown


def test_the_environment_may_hold_what_is_no_setting(tmp_path: Path) -> None:
    others = {"PATH": "/bin", "MONOCOQUE_DATA": "/data", "MONOCOQUE_RELEASE_KEY": "/key"}
    assert read_settings(tmp_path / "none", others)[0] == read_settings(tmp_path / "none", {})[0]


@pytest.mark.parametrize(
    ("content", "environment", "named"),
    [
        pytest.param("[link]\nhello = 1", {}, "link.hello", id="unknown-setting"),
        pytest.param("[wheels]\ncount = 4", {}, "wheels", id="unknown-section"),
        pytest.param("link = 4", {}, "link", id="no-section"),
        pytest.param("[link]\nhello_interval_s = 'often'", {}, NAME, id="text-for-number"),
        pytest.param("[link]\nhello_interval_s = true", {}, NAME, id="truth-for-number"),
        pytest.param(
            "[link]\noutbox_batch_messages = 1.5", {}, "link.outbox_batch_messages", id="half"
        ),
        pytest.param("[link]\nhello_interval_s = -1", {}, NAME, id="negative"),
        pytest.param("[link]\nhello_interval_s = 0", {}, NAME, id="never-pausing"),
        pytest.param("[link]\nhello_interval_s = nan", {}, NAME, id="not-a-number"),
        pytest.param("[link]\nhello_interval_s = inf", {}, NAME, id="infinite"),
        pytest.param("[link]\nhello_interval_s = -inf", {}, NAME, id="below-infinite"),
        pytest.param("[link]\nhello_interval_s = 10_001", {}, NAME, id="slip-of-the-unit"),
        pytest.param(
            "[records]\nconnections_max = 0", {}, "records.connections_max", id="none-at-all"
        ),
        pytest.param(
            "[nats]\nconnections_max = 9_999_999_999", {}, "nats.connections_max", id="absurd"
        ),
        pytest.param(
            "[bus]\nreconnect_wait_s_min = 6", {}, "bus.reconnect_wait_s_min", id="least-above-most"
        ),
        pytest.param("[nats]\nlisten_host = '::'", {}, "nats.listen_host", id="place"),
        pytest.param("[records]\nurl = 5", {}, "records.url", id="number-for-text"),
        pytest.param("[records]\nurl = 'here'", {}, "no URL", id="no-address"),
        pytest.param("[records]\nurl = 'mysql://a/b'", {}, "mysql", id="another-store"),
        pytest.param(
            "[records]\nurl = 'postgresql://a/b?sslmod=require'", {}, "sslmod", id="unknown-option"
        ),
        pytest.param("[link\n", {}, "not TOML", id="not-toml"),
        pytest.param("# \xff", {}, "not TOML", id="not-utf-8"),
        pytest.param("", {VARIABLE: "often"}, NAME, id="environment-text-for-number"),
        pytest.param("", {VARIABLE: ""}, NAME, id="environment-empty"),
        pytest.param("", {VARIABLE: "-0.5"}, NAME, id="environment-negative"),
        pytest.param("", {VARIABLE: "nan"}, NAME, id="environment-not-a-number"),
        pytest.param(
            "", {"MONOCOQUE_LINK_HELLO": "1"}, "MONOCOQUE_LINK_HELLO", id="environment-unknown"
        ),
        pytest.param(
            "", {"MONOCOQUE_HTTPS_PORT": "1"}, "MONOCOQUE_HTTPS_PORT", id="environment-no-section"
        ),
        pytest.param("", {"MONOCOQUE_CAR": "1"}, "MONOCOQUE_CAR", id="environment-nearly"),
        pytest.param("[log]\nlevel = 'LOUD'", {}, "log.level", id="no-level"),
        pytest.param("[log]\nlevel = ['INFO']", {}, "log.level", id="list-for-level"),
        pytest.param("prot = 8000", {}, "prot", id="unknown-beside-the-sections"),
        pytest.param("port = 65_536", {}, "port", id="no-port"),
        pytest.param("port = '8000'", {}, "port", id="text-for-port"),
        pytest.param("port = true", {}, "port", id="truth-for-port"),
        pytest.param("cars = 1_001", {}, "cars", id="more-cars-than-a-process-takes"),
        pytest.param("", {"MONOCOQUE_PORT": "-1"}, "port", id="environment-no-port"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(
    content: str, environment: dict[str, str], named: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingInvalid) as refused:
        read_settings(written(tmp_path, content), environment)
    assert named in refused.value.what
    assert refused.value.hint


def test_a_refused_number_is_answered_with_the_numbers_that_are_taken(tmp_path: Path) -> None:
    file = written(tmp_path, "[records]\nattempts_max = 0")
    with pytest.raises(SettingInvalid) as refused:
        read_settings(file, {})
    assert refused.value.hint == "Give a value from 1 to 40000; the default is 40."
    assert read_settings(written(tmp_path, "[records]\nattempts_max = 1"), {})


@pytest.mark.parametrize("place", ["file", "environment"])
def test_a_public_host_opens_the_site_that_its_setting_names(place: str, tmp_path: Path) -> None:
    table = '"console.arden.example" = "console"'
    content = f"[http.public_hosts]\n{table}" if place == "file" else ""
    environment = {"MONOCOQUE_HTTP_PUBLIC_HOSTS": f"{{{table}}}"} if place != "file" else {}
    configs, shown = read_settings(written(tmp_path, content), environment)
    assert configs[HttpConfig].public_hosts == {"console.arden.example": Site.CONSOLE}
    values = {setting.name: setting.value for setting in shown}
    assert values["http.public_hosts"] == {"console.arden.example": "console"}


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("'console.arden.example'", id="no-table"),
        pytest.param('{"console.arden.example" = "garage"}', id="no-site"),
        pytest.param('{"console.arden.example" = ["console"]}', id="list-of-sites"),
        pytest.param('{"Console.arden.example" = "console"}', id="upper-case"),
        pytest.param('{"console.arden.example:443" = "console"}', id="with-port"),
        pytest.param('{"console.localhost" = "shop"}', id="a-name-of-loopback"),
        pytest.param('{"intranet" = "shop"}', id="one-word"),
    ],
)
def test_what_is_no_public_host_is_refused(table: str, tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid) as refused:
        read_settings(written(tmp_path, f"[http]\npublic_hosts = {table}"), {})
    assert "http.public_hosts" in refused.value.what
    assert refused.value.hint


def test_an_unknown_variable_is_answered_with_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid) as refused:
        read_settings(tmp_path / "none", {"MONOCOQUE_CAR": "1"})
    assert "MONOCOQUE_CARS" in refused.value.hint


@pytest.mark.parametrize("place", ["file", "environment"])
def test_a_password_reaches_the_records_and_nobody_who_looks(place: str, tmp_path: Path) -> None:
    url = "postgresql://driver:open-sesame@localhost/cell"
    content = f"[records]\nurl = '{url}'" if place == "file" else ""
    environment = {"MONOCOQUE_RECORDS_URL": url} if place == "environment" else {}
    configs, shown = read_settings(written(tmp_path, content), environment)
    assert configs[RecordsConfig].url == url
    values = {setting.name: setting.value for setting in shown}
    assert values["records.url"] == "postgresql://driver:***@localhost/cell"
    assert "open-sesame" not in repr((configs, shown))


def test_an_address_may_have_options_that_postgresql_knows(tmp_path: Path) -> None:
    url = "postgresql://driver@/cell?host=/run/postgresql&sslmode=require&connect_timeout=3"
    file = written(tmp_path, f"[records]\nurl = '{url}'")
    assert read_settings(file, {})[0][RecordsConfig].url == url


@pytest.mark.parametrize(
    "url", ["postgresql://driver:open-sesame", "open-sesame", "mysql://a:open-sesame@b/c"]
)
def test_a_refused_address_is_not_repeated(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid) as refused:
        read_settings(written(tmp_path, f"[records]\nurl = '{url}'"), {})
    assert "open-sesame" not in refused.value.what + refused.value.hint


def test_every_section_takes_every_limit_of_its_dataclass(tmp_path: Path) -> None:
    shown = {setting.name for setting in read_settings(tmp_path / "none", {})[1]}
    numbers = {
        f"{section}.{field.name}".removeprefix("."): field.default
        for section, kind in SECTIONS.items()
        for field in dataclasses.fields(kind)
        if isinstance(field.default, int | float)
    }
    assert numbers.keys() <= shown
    for name, default in numbers.items():
        section, _, field = name.rpartition(".")
        # Half a "_max" may fall below its "_min"; twice any other value never does.
        wanted = default * 2 if not field.endswith("_min") else type(default)(default / 2) or 1
        given = {f"MONOCOQUE_{name.replace('.', '_')}".upper(): str(wanted)}
        config = read_settings(tmp_path / "none", given)[0][SECTIONS[section]]
        assert getattr(config, field) == wanted, name
