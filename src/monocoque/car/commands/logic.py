"""What becomes of a genuine command: decided from the command, the car's memory and the time.

Rules, in the order in which they are asked:

* a deadline that has passed stays passed, so it needs no memory;
* another epoch: the command was made for a memory that the car does not have;
* another maker's grant than the one that was used first is not the owner's;
* the counter of its key was not seen. From here on it is taken, whatever comes of the command, so
  that nothing which was answered once can be done later;
* times, grants and rights (trust/commands.py), then: not replaced by its own key before, and the
  arguments open and are those of the scope.

Left out on purpose: whether the car may do it as it stands (the guard), and what it did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.trust.commands import AuthenticCommand, judge
from monocoque.trust.outcomes import Outcome, Reason
from monocoque.trust.scopes import CHARGE_LIMIT, CLIMATE, LOCK, UNLOCK, Arguments
from monocoque.trust.windows import CounterWindow, accept

TOO_MANY_KEYS: Final = "too_many_keys"
JAMMED: Final = "jammed"
BODY_SILENT: Final = "body_silent"


@dataclass(frozen=True, slots=True)
class Known:
    """What the car remembers that bears on one command."""

    epoch: str
    owner: tuple[str, str] | None
    """Grant id and key id of the maker's grant that was used first."""
    window: CounterWindow
    """Which counters of the command's key were seen."""
    has_room: bool
    """Whether the counters of this key can be kept."""
    is_replaced: bool
    """Whether its own key said before that it shall not be done."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a command."""

    outcome: Outcome
    reason: str | None = None
    """Why it was not done; None for done."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be written down before anything is done."""

    ending: Ending | None
    """What became of a command that is not to be done; None when it is."""
    window: CounterWindow | None = None
    """What was seen of the key from now on; None when nothing new was."""
    pins_owner: bool = False
    """Whether its maker's grant is the owner's from now on."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a command means for the body."""

    actuator: str
    target: Mapping[str, int | bool]


def decide(
    command: AuthenticCommand, arguments: Arguments | Reason, known: Known, now_us: int
) -> Verdict:
    """What becomes of it.

    arguments: as they were opened, or why they could not be; only looked at for a known scope.
    now_us: microseconds since 1970, no earlier than any time that the car has seen.
    """
    reason: str | None = judge(command, now_us, _never_revoked)
    if reason == Reason.DEADLINE_PASSED:
        return Verdict(Ending(Outcome.EXPIRED, reason))
    if command.epoch != known.epoch:
        return Verdict(_refused(Reason.EPOCH_OTHER))
    if known.owner not in (None, owner_of(command)):
        return Verdict(_refused(Reason.OWNER_KNOWN))
    if not known.has_room:
        return Verdict(_refused(TOO_MANY_KEYS))
    window = accept(known.window, command.counter)
    if window is None:
        return Verdict(_refused(Reason.COUNTER_USED))
    if reason is None and known.is_replaced:
        reason = Reason.REPLACED
    if reason is None and isinstance(arguments, Reason):
        reason = arguments
    if reason is not None:
        return Verdict(_refused(reason), window)
    return Verdict(None, window, pins_owner=known.owner is None)


def owner_of(command: AuthenticCommand) -> tuple[str, str]:
    """The maker's grant above it: grant id and key id."""
    first = command.grants[0]
    return first.grant_id, first.key_id


def setting_of(scope: str, arguments: Arguments) -> Setting:
    """Which actuator is set to what; the scope and its arguments were checked."""
    settings = {
        LOCK.name: Setting("locks", {"locked": True}),
        UNLOCK.name: Setting("locks", {"locked": False}),
    }
    if scope == CLIMATE.name:
        target = {
            "climate_on": bool(arguments["on"]),
            "climate_target_decicelsius": int(arguments["temperature_decicelsius"]),
        }
        return Setting("climate", target)
    if scope == CHARGE_LIMIT.name:
        return Setting("charge_limit", {"charge_limit_percent": int(arguments["percent"])})
    return settings[scope]


def after_act(has_arrived: bool) -> Ending:
    """What became of it, once the actuator's time is over."""
    return Ending(Outcome.DONE) if has_arrived else Ending(Outcome.FAILED, JAMMED)


def without_body(may_have_happened: bool) -> Ending:
    """What became of it, when the body did not answer."""
    outcome = Outcome.UNKNOWN if may_have_happened else Outcome.FAILED
    return Ending(outcome, BODY_SILENT)


def _refused(reason: str) -> Ending:
    return Ending(Outcome.REFUSED, reason)


def _never_revoked(_grant_id: str) -> bool:
    """No list of revocations reaches the car yet; grants of others end after 7 days at most."""
    return False
