"""kill -9 of real processes at every boundary of a command's life: see struck.py for what that is.

A calm run counts the boundaries; then the role is killed at each of them, once. After every death
the same must hold: done at most once, always a final answer, no receipt "done" without an act, no
act without a line, and both logs without a gap.
"""

import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.struck_installation import (
    ROLES,
    StruckInstallation,
    Target,
    struck_installation,
)
from tests.e2e.struck_owner import Owner, owner_of

COUNTED_COMMANDS = 2
"""What one command leaves behind is done while the next begins; so two are counted."""
ASKED_MAX = 20
"""So many commands are asked until a boundary comes that a calm run has passed."""


async def targets(installation: StruckInstallation, owner: Owner, kind: str) -> list[Target]:
    """Every boundary of one command's life."""
    installation.begin(kind)
    for _ in range(COUNTED_COMMANDS):
        await owner.ask()
    passed = installation.passed()
    return [
        Target(name, time)
        for name, times in sorted(passed.items())
        for time in range(1, -(-times // COUNTED_COMMANDS) + 1)
    ]


async def strike(installation: StruckInstallation, owner: Owner, kind: str, target: Target) -> None:
    """Kill the role there, and see what became of whatever was asked."""
    deaths = installation.deaths
    installation.begin(kind, target)
    for _ in range(ASKED_MAX):
        await owner.ask()
        if installation.deaths > deaths:
            break
    assert installation.deaths == deaths + 1, f"never passed: {target}"
    await owner.check()


async def strike_everywhere(directory: Path, role: str, kind: str) -> str:
    """Kill this role at every boundary; what there is to tell of it."""
    began_s = time.monotonic()
    with struck_installation(directory, role) as installation:
        async with owner_of(installation) as owner:
            await owner.ask()
            await owner.check()
            found = await targets(installation, owner, kind)
            ready_s = time.monotonic()
            for target in found:
                await strike(installation, owner, kind, target)
    outcomes = ", ".join(f"{count} {what}" for what, count in sorted(owner.outcomes.items()))
    return (
        f"{role}: {len(found)} {kind} boundaries struck in {time.monotonic() - began_s:.0f} s, "
        f"{ready_s - began_s:.0f} s of them before the first; {outcomes}"
    )


@pytest.mark.parametrize("role", ["car", "commands", "http"])
async def test_a_command_survives_kill_9_at_every_durable_boundary(
    role: str, tmp_path: Path
) -> None:
    sys.stdout.write(await strike_everywhere(tmp_path, role, "durable"))
