"""How an app is, what follows from how it ended, and when it has taken too much.

Rules:

* states follow the table ``NEXT``;
* an app that ended by itself, or was ended, is started again after a pause that doubles; after
  ``crashes_max`` within ``crash_window_s`` it is given up, until a person starts it;
* each reason is a word of ``REASONS``, with a sentence for people.

Left out on purpose: starting, measuring and ending (service/).
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from monocoque.car.apps.config import AppsConfig
from monocoque.contracts.apps import Limits

SECOND_US: Final = 1_000_000
MB: Final = 1_048_576


class AppState(enum.Enum):
    """How an installed app is."""

    INSTALLED = "installed"
    """It is there, and the car has not begun it yet."""
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """It ended, and is started again after a pause."""
    STOPPED = "stopped"
    """A person stopped it."""
    FINISHED = "finished"
    """It has done what it was for."""
    REFUSED = "refused"
    """It cannot be started, for the reason that is said."""
    GIVEN_UP = "given_up"
    """It crashed too often."""


_BEGIN: Final = frozenset({AppState.INSTALLED, AppState.STARTING, AppState.STOPPED})
NEXT: Final[Mapping[AppState, frozenset[AppState]]] = {
    AppState.INSTALLED: frozenset(
        {AppState.STARTING, AppState.STOPPED, AppState.WAITING, AppState.GIVEN_UP, AppState.REFUSED}
    ),
    AppState.STARTING: frozenset(
        {AppState.RUNNING, AppState.WAITING, AppState.GIVEN_UP, AppState.REFUSED, *_BEGIN}
    ),
    AppState.RUNNING: frozenset({AppState.WAITING, AppState.FINISHED, AppState.GIVEN_UP, *_BEGIN}),
    AppState.WAITING: frozenset({AppState.WAITING, AppState.GIVEN_UP, AppState.REFUSED, *_BEGIN}),
    AppState.STOPPED: _BEGIN,
    AppState.FINISHED: _BEGIN,
    AppState.REFUSED: _BEGIN,
    AppState.GIVEN_UP: _BEGIN,
}
"""What may follow what. A removed app is not there any more, whatever it was."""

REASONS: Final[Mapping[str, str]] = {
    "memory": "It took more memory than its manifest says.",
    "processor": "It took more of the processor than its manifest says.",
    "processes": "It started more processes than an app may have.",
    "data": "It kept more in its folder than an app may.",
    "not_ready": "It was not ready within the time that its manifest says.",
    "hung": "It did not say any more that it is alive.",
    "flood": "It said more to the car than an app may.",
    "crashed": "Its process ended without a word.",
    "failed": "The car failed with it, by a defect of the car; the car's log says how.",
}
"""Why the car ended an app, or says that it ended; what an app itself says comes with its words."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an app has taken, by the last look."""

    processes: int
    resident_bytes: int
    processor_share: float
    """Of one core, over the last ``cpu_window_s``."""
    data_bytes: int
    since_start_s: float
    since_beat_s: float
    is_ready: bool
    lines_per_s: float


def breach(taken: Taken, limits: Limits, config: AppsConfig) -> str | None:
    """The word of ``REASONS`` for which the app must end, or None.

    A start is heavy for everyone, so the processor counts from when the app is ready.
    """
    rules = (
        ("processes", taken.processes > config.processes_max),
        ("memory", taken.resident_bytes > limits.memory_mb * MB),
        ("data", taken.data_bytes > config.data_mb_max * MB),
        ("flood", taken.lines_per_s > config.lines_per_s_max),
        ("not_ready", not taken.is_ready and taken.since_start_s > limits.start_s),
        ("hung", taken.is_ready and taken.since_beat_s > config.silence_s_max),
        ("processor", taken.is_ready and taken.processor_share * 100 > limits.cpu_percent),
    )
    return next((reason for reason, is_broken in rules if is_broken), None)


@dataclass(frozen=True, slots=True)
class Crashes:
    """When an app ended without having been told to, within the window."""

    times_us: tuple[int, ...] = ()

    def after(self, now_us: int, config: AppsConfig) -> "Crashes":
        """With one more, now; those before the window are forgotten."""
        since_us = now_us - round(config.crash_window_s * SECOND_US)
        kept = [time_us for time_us in self.times_us if time_us > since_us]
        return Crashes((*kept, now_us))

    def pause_s(self, config: AppsConfig) -> float | None:
        """How long to wait before the next start; None when the app is given up."""
        if len(self.times_us) >= config.crashes_max:
            return None
        doubled: float = config.pause_s_min * 2.0 ** (len(self.times_us) - 1)
        return min(doubled, config.pause_s_max)


def can_follow(state: AppState, following: AppState) -> bool:
    """Whether an app that is so can become so."""
    return following in NEXT[state]


def sentence(reason: str) -> str:
    """A reason as people read it."""
    return REASONS.get(reason, reason)
