"""Settings: every limit of every feature, and where its value came from.

Rules:

* a setting is named ``SECTION.FIELD``, such as ``link.hello_interval_s``, after its dataclass; what
  an argument may also say stands in no section: ``port``, ``cars``, ``homes``;
* defaults < ``monocoque.toml`` in the data directory < environment < arguments; the environment's
  name is ``MONOCOQUE_LINK_HELLO_INTERVAL_S``;
* an unknown name or a value of another type is refused with SettingInvalid, never passed over;
  setting_checks.py says which values are taken. A least value above its greatest is refused here;
* of ``records.url``, which may hold a password, only ``RecordsConfig`` has the whole; what is shown
  of it is masked.

Left out on purpose: every other secret, since those are in keystores; and the places of
nats-server, since whoever takes part on this machine finds it on loopback.
"""

import dataclasses
import difflib
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from monocoque.car.apps.config import AppsConfig
from monocoque.car.body.config import BodyConfig
from monocoque.car.can.config import CanConfig
from monocoque.car.commands.config import CommandsConfig as CarCommandsConfig
from monocoque.car.keys.config import KeysConfig
from monocoque.car.kuksa.config import KuksaConfig
from monocoque.car.link.config import LinkConfig
from monocoque.car.scenes.config import ScenesConfig
from monocoque.car.signals.config import SignalsConfig
from monocoque.car.tokens.config import TokensConfig
from monocoque.car.updates.config import UpdatesConfig
from monocoque.car.viss.config import VissConfig
from monocoque.cli.config import StartConfig
from monocoque.cli.setting_checks import OF_THEIR_OWN, PUBLIC_HOSTS, RECORDS_URL, checked
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.cloud.telemetry.config import TelemetryConfig
from monocoque.cloud.twin.config import TwinConfig
from monocoque.contracts.errors import SettingInvalid
from monocoque.contracts.weeks import WeekConfig
from monocoque.home.assistant.config import AssistantConfig
from monocoque.home.bridge.config import BridgeConfig
from monocoque.home.devices.config import DevicesConfig
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.plumbing.bus.config import BusConfig, NatsServerConfig
from monocoque.plumbing.can.config import CanBusConfig
from monocoque.plumbing.config import LogConfig
from monocoque.plumbing.files import storage_errors
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.mqtt.config import MqttConfig
from monocoque.plumbing.records.address import masked
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.roles.config import SupervisorConfig
from monocoque.roles.layout import Layout
from monocoque.shop.build.config import BuildConfig
from monocoque.shop.orders.config import OrdersConfig
from monocoque.shop.payments.config import PaymentsConfig
from monocoque.shop.practice.config import PracticeConfig
from monocoque.shop.quotes.config import QuoteConfig

NO_SECTION: Final = ""
SECTIONS: Final[Mapping[str, type]] = {
    NO_SECTION: StartConfig,
    "accounts": AccountsConfig,
    "apps": AppsConfig,
    "body": BodyConfig,
    "build": BuildConfig,
    "bus": BusConfig,
    "campaigns": CampaignsConfig,
    "can": CanConfig,
    "can_bus": CanBusConfig,
    "car_commands": CarCommandsConfig,
    "car_updates": UpdatesConfig,
    "commands": MailboxConfig,
    "home_assistant": AssistantConfig,
    "home_bridge": BridgeConfig,
    "home_desk": HomesConfig,
    "home_devices": DevicesConfig,
    "http": HttpConfig,
    "keys": KeysConfig,
    "kuksa": KuksaConfig,
    "link": LinkConfig,
    "log": LogConfig,
    "mqtt": MqttConfig,
    "nats": NatsServerConfig,
    "orders": OrdersConfig,
    "pairing": PairingConfig,
    "payments": PaymentsConfig,
    "practice": PracticeConfig,
    "quotes": QuoteConfig,
    "records": RecordsConfig,
    "registry": RegistryConfig,
    "releases": ReleasesConfig,
    "scenes": ScenesConfig,
    "signals": SignalsConfig,
    "supervisor": SupervisorConfig,
    "telemetry": TelemetryConfig,
    "tokens": TokensConfig,
    "twin": TwinConfig,
    "viss": VissConfig,
    "weeks": WeekConfig,
}
"""The sections, and the dataclass of each."""

ENVIRONMENT_PREFIX: Final = "MONOCOQUE_"
DATA_VARIABLE: Final = "MONOCOQUE_DATA"
NO_SETTINGS: Final = frozenset({DATA_VARIABLE, "MONOCOQUE_PYTHON", "MONOCOQUE_RELEASE_KEY"})
"""Variables beside the settings: where the settings are, and two of the pages' build."""
_NUMBERS = (int, float)


@dataclass(frozen=True)
class Setting:
    """One value, as it may be shown, and where it came from."""

    name: str
    value: Any
    source: str


def read_settings(
    file: Path, environment: Mapping[str, str] | None = None
) -> tuple[dict[type, Any], list[Setting]]:
    """The dataclasses for ``Context.configs``, and every setting for the doctor.

    file: may be missing. environment: os.environ when None. Raises SettingInvalid.
    """
    given = os.environ if environment is None else environment
    written = _read_file(file)
    configs: dict[type, Any] = {}
    shown: list[Setting] = []
    for section, kind in SECTIONS.items():
        values: dict[str, Any] = {}
        table = _table(written, section, kind, file)
        for field in dataclasses.fields(kind):
            if _can_be_set(section, field):
                setting = _setting(section, field, table, given, file)
                values[field.name] = setting.value
                shown.append(_shown(setting))
        if table:
            raise SettingInvalid(f"{file}: there is no setting {_name(section, min(table))}.")
        _refuse_crossed(section, values)
        configs[kind] = kind(**values)
    if written:
        raise SettingInvalid(f"{file}: there is no section or setting {min(written)}.")
    _refuse_unknown_variables(given, {_variable(setting.name) for setting in shown})
    return configs, shown


def list_settings(data: Path, data_source: str, port: int | None) -> list[Setting]:
    """Every setting, with those that arguments gave: the data directory and the port.

    data_source: how the command line came to it, ``COMMANDLINE``, ``ENVIRONMENT`` or other. port:
    None when no argument gave it. Raises SettingInvalid.
    """
    sources = {"COMMANDLINE": "argument --data", "ENVIRONMENT": f"environment {DATA_VARIABLE}"}
    settings = read_settings(Layout(data).settings)[1]
    if port is not None:
        settings = [
            s if s.name != "port" else Setting("port", port, "argument --port") for s in settings
        ]
    return [Setting("data", str(data), sources.get(data_source, "default")), *settings]


def _table(written: dict[str, Any], section: str, kind: type, file: Path) -> dict[str, Any]:
    """Take what the file says of one section out of it."""
    if section == NO_SECTION:
        names = {field.name for field in dataclasses.fields(kind)}
        return {name: written.pop(name) for name in names & written.keys()}
    table = written.pop(section, {})
    if not isinstance(table, dict):
        raise SettingInvalid(f"{file}: {section} is not a section.")
    return table


def _name(section: str, field: str) -> str:
    return f"{section}.{field}" if section else field


def _variable(name: str) -> str:
    return f"{ENVIRONMENT_PREFIX}{name.replace('.', '_')}".upper()


def _can_be_set(section: str, field: dataclasses.Field[Any]) -> bool:
    return type(field.default) in _NUMBERS or _name(section, field.name) in OF_THEIR_OWN


def _shown(setting: Setting) -> Setting:
    if setting.name == RECORDS_URL:
        return dataclasses.replace(setting, value=masked(setting.value))
    if setting.name == PUBLIC_HOSTS:
        sites = {host: site.value for host, site in setting.value.items()}
        return dataclasses.replace(setting, value=sites)
    return setting


def _refuse_crossed(section: str, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        greatest = f"{name.removesuffix('min')}max"
        if name.endswith("_min") and value > values.get(greatest, math.inf):
            raise SettingInvalid(
                f"{section}.{name} is above {section}.{greatest}.",
                hint="Raise the one or lower the other; `monocoque doctor` shows every setting.",
            )


def _refuse_unknown_variables(environment: Mapping[str, str], known: set[str]) -> None:
    unknown = {name for name in environment if name.startswith(ENVIRONMENT_PREFIX)}
    unknown -= known | NO_SETTINGS
    if unknown:
        name = min(unknown)
        near = difflib.get_close_matches(name, sorted(known), n=1)
        meant = f" Perhaps {near[0]} was meant." if near else ""
        raise SettingInvalid(
            f"Environment: {name} is no setting.",
            hint=f"Unset it.{meant} `monocoque doctor` shows every setting.",
        )


def _setting(
    section: str,
    field: dataclasses.Field[Any],
    table: dict[str, Any],
    environment: Mapping[str, str],
    file: Path,
) -> Setting:
    default = _default_of(field)
    name = _name(section, field.name)
    setting = Setting(name, default, "default")
    if field.name in table:
        setting = Setting(name, checked(name, table.pop(field.name), default), str(file))
    variable = _variable(name)
    if variable in environment:
        text = environment[variable]
        setting = Setting(name, _from_text(name, text, default), f"environment {variable}")
    return setting


def _default_of(field: dataclasses.Field[Any]) -> Any:
    """The default of a field, made anew where it is a container."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _from_text(name: str, text: str, default: Any) -> Any:
    if isinstance(default, str):
        return checked(name, text, default)
    try:
        return checked(name, tomllib.loads(f"value = {text}")["value"], default)
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid(f"{name} must be a {type(default).__name__}.") from error


def _read_file(file: Path) -> dict[str, Any]:
    with storage_errors(file):
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            return {}
    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingInvalid(f"{file} is not TOML.") from error
