"""Whether a value can be meant: what a setting may hold, by the form of its default or by its name.

Rules:

* a number that is not finite, or further than ``FACTOR_MAX`` from its default, is a slip of the
  unit and is refused; what is not a limit has its own row in ``OF_THEIR_OWN``;
* every refusal is SettingInvalid with the values that are taken; an address is never repeated.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from monocoque.contracts.errors import SettingInvalid
from monocoque.contracts.rights import Site
from monocoque.plumbing.http.sites import LOOPBACK_HOSTS

FACTOR_MAX: Final = 1_000
"""How many times its default a number may be, or be part of it."""
PORT_MAX: Final = 65_535
CARS_MAX: Final = 1_000
"""Virtual cars in one process."""
HOMES_MAX: Final = 100
"""Homes in one process."""
WEEK_S: Final = (0.1, 2_419_200.0)
"""The shortest and the longest production week: a wink in a demonstration, four real weeks."""
RECORDS_URL: Final = "records.url"
LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
PUBLIC_HOSTS: Final = "http.public_hosts"
PUBLIC_HOSTS_MAX: Final = 100
HOST_CHARACTERS_MAX: Final = 253
PATTERNS_CHARACTERS_MAX: Final = 4_000
_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+\Z")


def checked(name: str, value: Any, default: Any) -> Any:
    """The value as the setting keeps it; raises SettingInvalid."""
    if name in OF_THEIR_OWN:
        return OF_THEIR_OWN[name](name, value)
    if type(value) not in (type(default), int):
        raise SettingInvalid(f"{name} must be a {type(default).__name__}.")
    is_whole = isinstance(default, int)
    least = max(1, default // FACTOR_MAX) if is_whole else default / FACTOR_MAX
    _refuse_outside(name, value, least, default * FACTOR_MAX, f"; the default is {default}")
    return type(default)(value)


def _refuse_outside(name: str, value: Any, least: Any, greatest: Any, said: str = "") -> None:
    if not least <= value <= greatest:  # so written, it refuses what is not a number too
        raise SettingInvalid(
            f"{name} cannot be {value}.", hint=f"Give a value from {least} to {greatest}{said}."
        )


def _whole_to(greatest: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        if type(value) is not int:
            raise SettingInvalid(f"{name} must be a whole number.")
        _refuse_outside(name, value, 0, greatest)
        return value

    return check


def _seconds(least_s: float, greatest_s: float) -> Callable[[str, Any], float]:
    def check(name: str, value: Any) -> float:
        if type(value) not in (int, float):
            raise SettingInvalid(f"{name} must be a number.")
        _refuse_outside(name, value, least_s, greatest_s)
        return float(value)

    return check


def _url(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise SettingInvalid(f"{name} must be a text.")
    if value:
        # Imported here: the driver costs a process without PostgreSQL time and memory.
        from monocoque.plumbing.records.postgres import driver_url

        driver_url(value)
    return value


def _hosts(name: str, value: Any) -> Mapping[str, Site]:
    sites = {site.value: site for site in Site}
    if not isinstance(value, dict) or len(value) > PUBLIC_HOSTS_MAX:
        raise SettingInvalid(f"{name} must be a table of {PUBLIC_HOSTS_MAX} host names at most.")
    for host, site in value.items():
        if not _HOST.match(host) or host in LOOPBACK_HOSTS:
            raise SettingInvalid(
                f"{name}: {host[:253]} is no public host name.",
                hint='Write it in lower case and without a port: "console.arden.example".',
            )
        if not isinstance(site, str) or site not in sites:
            raise SettingInvalid(
                f"{name}: {host} opens no site of ours.", hint=f"Say one of: {', '.join(sites)}."
            )
    return {host: sites[site] for host, site in value.items()}


def _level(name: str, value: Any) -> str:
    if value not in LOG_LEVELS:
        raise SettingInvalid(f"{name} is no level.", hint=f"Say one of: {', '.join(LOG_LEVELS)}.")
    return str(value)


def _market(name: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{2}", value):
        raise SettingInvalid(
            f"{name} is no market.", hint="Write two capital letters, such as DE (ISO 3166-1)."
        )
    return value


def _patterns(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > PATTERNS_CHARACTERS_MAX:
        raise SettingInvalid(
            f"{name} must be a text of {PATTERNS_CHARACTERS_MAX} characters at most.",
            hint="Write paths or branches of signals with spaces between them.",
        )
    return value


def _host(name: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= HOST_CHARACTERS_MAX:
        raise SettingInvalid(
            f"{name} must be a host name or an address.",
            hint="127.0.0.1 lets in this machine alone.",
        )
    return value


OF_THEIR_OWN: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "apps.market": _market,
    "cars": _whole_to(CARS_MAX),
    "homes": _whole_to(HOMES_MAX),
    PUBLIC_HOSTS: _hosts,
    "kuksa.host": _host,
    "kuksa.port": _whole_to(PORT_MAX),
    "log.level": _level,
    "port": _whole_to(PORT_MAX),
    RECORDS_URL: _url,
    "signals.history_paths": _patterns,
    "viss.host": _host,
    "viss.port": _whole_to(PORT_MAX),
    "weeks.week_duration_s": _seconds(*WEEK_S),
}
"""Settings whose values are no limits, and what each takes."""
