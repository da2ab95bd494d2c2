"""kill -9 of real processes at every boundary of a command's life: see struck.py for what that is.

A calm run counts the boundaries; then the role is killed at each of them, once. After every death
the same must hold: done at most once, always a final answer, no receipt "done" without an act, no
act without a line, and both logs without a gap.

Left out on purpose: nats-server, which test_kills.py kills; what a disk forgets at a loss of power,
which worlds try; and chance. Each boundary that a calm run passes is struck.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.struck_installation import (
    StruckInstallation,
    Target,
    struck_installation,
)
from tests.e2e.struck_owner import Owner, owner_of

ROLES = ("car", "commands", "http")
"""Where a command lives."""
OTHER_ROLES = ("twin", "registry", "pairing")
"""What it passes by; registry and pairing only read, or sleep, meanwhile."""
KINDS = ("durable", "awaits")
PASSED_MIN = 4
"""A role that passed fewer was not watched."""
COUNTED_COMMANDS = 2
"""What one command leaves behind is done while the next begins; so two are counted."""
ASKED_MAX = 150
"""So many commands are asked until a boundary comes that a calm run has passed: some come by the
clock, and a car that charges has a frame a minute."""


@dataclass(frozen=True)
class Proof:
    """What is struck while what is asked."""

    installation: StruckInstallation
    owner: Owner
    kind: str
    ask: Callable[[Owner], Coroutine[None, None, None]]

    async def targets(self, role: str) -> list[Target]:
        """Every boundary of one command's life."""
        self.installation.begin(role, self.kind)
        for _ in range(COUNTED_COMMANDS):
            await self.ask(self.owner)
        passed = self.installation.passed(role)
        return [
            Target(name, time)
            for name, times in sorted(passed.items())
            for time in range(1, -(-times // COUNTED_COMMANDS) + 1)
        ]

    async def strike(self, role: str, target: Target) -> None:
        """Kill the role there, and see what became of whatever was asked."""
        deaths = self.installation.deaths[role]
        self.installation.begin(role, self.kind, target)
        for _ in range(ASKED_MAX):
            await self.ask(self.owner)
            if self.installation.deaths[role] > deaths:
                break
        assert self.installation.deaths[role] == deaths + 1, f"never passed: {target}"
        await self.owner.check()


async def strike_everywhere(
    directory: Path,
    roles: Sequence[str],
    kind: str,
    ask: Callable[[Owner], Coroutine[None, None, None]] = Owner.ask,
) -> Counter[str]:
    """Kill each role at every boundary; how many there were, and what the car said."""
    told = Counter[str]()
    with struck_installation(directory, roles) as installation:
        async with owner_of(installation) as owner:
            proof = Proof(installation, owner, kind, ask)
            await owner.ask()
            await owner.check()
            for role in roles:
                began_s = time.monotonic()
                for target in await proof.targets(role):
                    await proof.strike(role, target)
                    told[role] += 1
                lasted_s = time.monotonic() - began_s
                sys.stdout.write(f"{role}: {told[role]} {kind} in {lasted_s:.0f} s\n")
    sys.stdout.write(f"{dict(owner.outcomes)}\n")
    return told + owner.outcomes


@pytest.mark.timeout(400)
async def test_a_command_survives_kill_9_at_every_durable_boundary(tmp_path: Path) -> None:
    told = await strike_everywhere(tmp_path, ROLES, "durable")
    assert all(told[role] >= PASSED_MIN for role in ROLES), told
    assert told["unknown"], "the car was killed between intent and outcome"


PROVED = (pytest.mark.prove, pytest.mark.timeout(3_600))


@pytest.mark.parametrize(
    ("roles", "kind"),
    [
        pytest.param(OTHER_ROLES, "durable", id="apart-durable", marks=pytest.mark.timeout(400)),
        pytest.param(OTHER_ROLES, "awaits", id="apart-awaits", marks=PROVED),
        *(pytest.param(("cell",), kind, id=f"whole-{kind}", marks=PROVED) for kind in KINDS),
    ],
)
async def test_a_command_survives_kill_9_of_every_role(
    roles: Sequence[str], kind: str, tmp_path: Path
) -> None:
    told = await strike_everywhere(tmp_path, roles, kind)
    assert sum(told[role] for role in roles) >= PASSED_MIN, told


@pytest.mark.prove
@pytest.mark.timeout(3_600)
async def test_a_command_survives_kill_9_at_every_await(tmp_path: Path) -> None:
    told = await strike_everywhere(tmp_path, ROLES, "awaits")
    assert all(told[role] >= PASSED_MIN for role in ROLES), told
    assert told["unknown"], "the car was killed between intent and outcome"


@pytest.mark.prove
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_command_that_waits_for_its_car_survives_kill_9_of_its_mailbox(
    kind: str, tmp_path: Path
) -> None:
    told = await strike_everywhere(tmp_path, ("commands",), kind, Owner.ask_while_away)
    assert told["commands"] >= PASSED_MIN, told
