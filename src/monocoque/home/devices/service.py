"""The devices of a home: a port, and behind it a virtual lamp and a virtual heat pump.

Rules:

* a device says how it is, and does what it is told or raises DeviceFailed; then it is as it was;
* a virtual device is a record of its home, so it outlives whoever looks; each act is counted by
  what it was for;
* a virtual device fails on purpose while it is jammed.

Left out on purpose: that an act happens once. A device does what it is told as often as it is told;
to tell it once is the bridge's promise.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Row

from monocoque.contracts.errors import DeviceFailed
from monocoque.contracts.homes import HEAT_PUMP, LAMP
from monocoque.home.devices import records as rows
from monocoque.home.devices.config import DevicesConfig
from monocoque.plumbing.records.port import Records
from monocoque.plumbing.service import Context

FIRST_TARGETS_DECICELSIUS: Final[Mapping[str, int]] = {LAMP: 0, HEAT_PUMP: 190}
"""The virtual devices, each with its first target; 0 for a device that has none."""


@dataclass(frozen=True)
class Target:
    """What a device is to be."""

    is_on: bool
    decicelsius: int | None = None
    """None leaves the target as it is."""


@dataclass(frozen=True)
class DeviceState:
    """How a device is."""

    name: str
    is_on: bool
    target_decicelsius: int
    """0 for a device that has no target."""
    changed_us: int


class Device(Protocol):
    """One device."""

    async def state(self) -> DeviceState:
        """How it is. Raises what its records raise, or DeviceFailed."""

    async def act(self, target: Target, cause: str) -> DeviceState:
        """Be so from now on; returns how it is then.

        cause: names what it is for. Raises DeviceFailed when it did not; an error that says
        ``may_have_happened`` leaves that open.
        """


class Wiring(Protocol):
    """The port: what is wired in a home."""

    def __call__(self, context: Context) -> Mapping[str, Device]:
        """The devices of this home, by name."""


class VirtualDevice:
    """Offers Device on the home's own records."""

    def __init__(self, context: Context, name: str) -> None:
        self._context = context
        self._config = context.config(DevicesConfig)
        self._name = name

    async def state(self) -> DeviceState:
        """See Device."""
        now_us = self._context.clock.now_us()
        return await self._context.records.transact(
            lambda connection: _state_of(_present(connection, self._name, now_us))
        )

    async def act(self, target: Target, cause: str) -> DeviceState:
        """See Device."""
        now_us = self._context.clock.now_us()

        def work(connection: Connection) -> DeviceState | None:
            row = _present(connection, self._name, now_us)
            if row.is_jammed:
                return None
            before = _state_of(row)
            decicelsius = before.target_decicelsius
            if target.decicelsius is not None:
                decicelsius = target.decicelsius
            changed_us = now_us
            if (target.is_on, decicelsius) == (before.is_on, before.target_decicelsius):
                changed_us = before.changed_us
            after = DeviceState(self._name, target.is_on, decicelsius, changed_us)
            values = {
                "is_on": after.is_on,
                "target_decicelsius": after.target_decicelsius,
                "changed_us": after.changed_us,
            }
            rows.save_device(connection, self._name, values)
            rows.add_act(connection, cause, self._name, now_us, self._config.acts_kept)
            return after

        done = await self._context.records.transact(work)
        if done is None:
            raise DeviceFailed(f"The {self._name} is jammed.")
        return done


def virtual_wiring(context: Context) -> Mapping[str, Device]:
    """See Wiring: one lamp and one heat pump."""
    return {name: VirtualDevice(context, name) for name in FIRST_TARGETS_DECICELSIUS}


async def jam(records: Records, names: Collection[str], now_us: int) -> None:
    """These virtual devices fail from now on, and no others; for tests and worlds."""

    def work(connection: Connection) -> None:
        for name in FIRST_TARGETS_DECICELSIUS:
            _present(connection, name, now_us)
            rows.save_device(connection, name, {"is_jammed": name in names})

    await records.transact(work)


async def acts_by_cause(records: Records) -> dict[str, int]:
    """How often a virtual device did something, by what it was for."""
    counted: dict[str, int] = {}
    for row in await records.transact(rows.all_acts):
        counted[row.cause] = counted.get(row.cause, 0) + 1
    return counted


def _present(connection: Connection, name: str, now_us: int) -> Row[Any]:
    row = rows.find_device(connection, name)
    if row is None:
        values = {
            "name": name,
            "is_on": False,
            "target_decicelsius": FIRST_TARGETS_DECICELSIUS[name],
            "changed_us": now_us,
            "is_jammed": False,
        }
        rows.add_device(connection, values)
        row = rows.find_device(connection, name)
    assert row is not None
    return row


def _state_of(row: Row[Any]) -> DeviceState:
    return DeviceState(row.name, row.is_on, row.target_decicelsius, row.changed_us)
