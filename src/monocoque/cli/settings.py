"""Settings: every limit of every feature, and where its value came from.

Rules:

* a setting is named ``SECTION.FIELD``, such as ``link.hello_interval_s``, after its dataclass;
* defaults < ``monocoque.toml`` in the data directory < environment < arguments; the environment's
  name is ``MONOCOQUE_LINK_HELLO_INTERVAL_S``;
* an unknown name or a value of another type is refused with SettingInvalid, never passed over;
* a number that is not finite, or further than ``FACTOR_MAX`` from its default, is a slip of the
  unit and is refused; so is a least value above its greatest.

* of ``records.url``, which may hold a password, only ``RecordsConfig`` has the whole; what is shown
  of it is masked.

Left out on purpose: every other secret, since those are in keystores; and the places of
nats-server, since whoever takes part on this machine finds it on loopback.
"""

import dataclasses
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from monocoque.car.link.config import LinkConfig
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.contracts.errors import SettingInvalid
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.plumbing.bus.config import BusConfig, NatsServerConfig
from monocoque.plumbing.files import storage_errors
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.records.address import masked
from monocoque.plumbing.records.config import RecordsConfig
from monocoque.roles.config import SupervisorConfig

SECTIONS: Final[Mapping[str, type]] = {
    "accounts": AccountsConfig,
    "bus": BusConfig,
    "http": HttpConfig,
    "link": LinkConfig,
    "nats": NatsServerConfig,
    "records": RecordsConfig,
    "registry": RegistryConfig,
    "supervisor": SupervisorConfig,
}
"""The sections, and the dataclass of each."""

ENVIRONMENT_PREFIX: Final = "MONOCOQUE_"
FACTOR_MAX: Final = 1_000
"""How many times its default a number may be, or be part of it."""
RECORDS_URL: Final = "records.url"
"""The one setting that is a text."""
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
        table = written.pop(section, {})
        if not isinstance(table, dict):
            raise SettingInvalid(f"{file}: {section} is not a section.")
        for field in dataclasses.fields(kind):
            if _can_be_set(section, field):
                setting = _setting(section, field, table, given, file)
                values[field.name] = setting.value
                shown.append(_shown(setting))
        if table:
            raise SettingInvalid(f"{file}: there is no setting {section}.{min(table)}.")
        _refuse_unknown_variables(section, kind, given)
        _refuse_crossed(section, values)
        configs[kind] = kind(**values)
    if written:
        raise SettingInvalid(f"{file}: there is no section {min(written)}.")
    return configs, shown


def _can_be_set(section: str, field: dataclasses.Field[Any]) -> bool:
    return type(field.default) in _NUMBERS or f"{section}.{field.name}" == RECORDS_URL


def _shown(setting: Setting) -> Setting:
    if setting.name == RECORDS_URL:
        return dataclasses.replace(setting, value=masked(setting.value))
    return setting


def _refuse_crossed(section: str, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        greatest = f"{name.removesuffix('min')}max"
        if name.endswith("_min") and value > values.get(greatest, math.inf):
            raise SettingInvalid(
                f"{section}.{name} is above {section}.{greatest}.",
                hint="Raise the one or lower the other; `monocoque doctor` shows every setting.",
            )


def _refuse_unknown_variables(section: str, kind: type, environment: Mapping[str, str]) -> None:
    prefix = f"{ENVIRONMENT_PREFIX}{section}_".upper()
    fields = [field for field in dataclasses.fields(kind) if _can_be_set(section, field)]
    known = {prefix + field.name.upper() for field in fields}
    unknown = {name for name in environment if name.startswith(prefix)} - known
    if unknown:
        raise SettingInvalid(f"Environment: {min(unknown)} is no setting.")


def _setting(
    section: str,
    field: dataclasses.Field[Any],
    table: dict[str, Any],
    environment: Mapping[str, str],
    file: Path,
) -> Setting:
    default = field.default
    name = f"{section}.{field.name}"
    variable = f"{ENVIRONMENT_PREFIX}{section}_{field.name}".upper()
    setting = Setting(name, default, "default")
    if field.name in table:
        setting = Setting(name, _checked(name, table.pop(field.name), default), str(file))
    if variable in environment:
        text = environment[variable]
        setting = Setting(name, _from_text(name, text, default), f"environment {variable}")
    return setting


def _checked(name: str, value: Any, default: Any) -> Any:
    if name == RECORDS_URL:
        return _checked_url(value)
    if type(value) not in (type(default), int):
        raise SettingInvalid(f"{name} must be a {type(default).__name__}.")
    is_whole = isinstance(default, int)
    least = max(1, default // FACTOR_MAX) if is_whole else default / FACTOR_MAX
    greatest = default * FACTOR_MAX
    if not least <= value <= greatest:  # so written, it refuses what is not a number too
        raise SettingInvalid(
            f"{name} cannot be {value}.",
            hint=f"Give a value from {least} to {greatest}; the default is {default}.",
        )
    return type(default)(value)


def _checked_url(url: Any) -> str:
    if not isinstance(url, str):
        raise SettingInvalid(f"{RECORDS_URL} must be a text.")
    if url:
        # Imported here: the driver costs a process without PostgreSQL time and memory.
        from monocoque.plumbing.records.postgres import driver_url

        driver_url(url)
    return url


def _from_text(name: str, text: str, default: Any) -> Any:
    if isinstance(default, str):
        return _checked(name, text, default)
    try:
        return _checked(name, tomllib.loads(f"value = {text}")["value"], default)
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
