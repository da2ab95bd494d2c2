"""A control unit's two slots: which one it starts, and what becomes of one that does not.

Rules:

* one slot is active and was started before; the other may be written to, and then tried;
* a slot that is tried is counted before each start, so that no loss of power makes a start that
  was not counted; when it has not confirmed within ``tries_max`` starts, the active one is
  started again, whatever happens, and what was tried counts as gone;
* a slot that started and confirmed itself stays on trial: the primary makes it the active one when
  every unit is so far, or takes it back;
* the slot that is active is never written to.

Left out on purpose: what starting a slot means. It works, or it does not.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

SLOTS: Final = ("a", "b")


@dataclass(frozen=True, slots=True)
class Image:
    """What is in a slot."""

    release_number: int
    version: str
    length: int
    sha256: str


@dataclass(frozen=True, slots=True)
class UnitState:
    """What a control unit keeps on its own disk."""

    images: Mapping[str, Image]
    """By slot; a slot that is being written to has none."""
    active: str
    trying: str | None = None
    tries: int = 0
    """How often the tried slot was started without confirming."""
    is_confirmed: bool = False
    """Whether the tried slot has started."""

    @property
    def other(self) -> str:
        """The slot that is not active."""
        return SLOTS[1 - SLOTS.index(self.active)]

    @property
    def running(self) -> str:
        """The slot that runs, once the unit has started."""
        return self.trying if self.trying is not None and self.is_confirmed else self.active

    @property
    def image(self) -> Image:
        """What runs."""
        return self.images[self.running]


def factory_state(image: Image) -> UnitState:
    """As it leaves the line."""
    return UnitState({SLOTS[0]: image}, SLOTS[0])


def emptied(state: UnitState) -> UnitState:
    """Nothing is on trial, and the other slot may be written to."""
    images = {slot: image for slot, image in state.images.items() if slot == state.active}
    return UnitState(images, state.active)


def filled(state: UnitState, image: Image) -> UnitState:
    """The other slot has this image."""
    assert state.trying is None
    return replace(state, images={**state.images, state.other: image})


def on_trial(state: UnitState) -> UnitState:
    """The other slot is to be tried; one that is on trial already stays so."""
    if state.trying is not None:
        return state
    assert state.other in state.images
    return replace(state, trying=state.other, tries=0, is_confirmed=False)


def next_start(state: UnitState, tries_max: int) -> tuple[UnitState, str]:
    """What to keep before the next start, and which slot is started."""
    if state.trying is None or state.is_confirmed:
        return state, state.running
    if state.tries >= tries_max:
        fallen_back = emptied(state)
        return fallen_back, fallen_back.active
    return replace(state, tries=state.tries + 1), state.trying


def confirmed(state: UnitState) -> UnitState:
    """The slot on trial has started."""
    assert state.trying is not None
    return replace(state, is_confirmed=True)


def made_good(state: UnitState) -> UnitState:
    """What was on trial is active from now on; once is enough, and twice is harmless."""
    if state.trying is None:
        return state
    assert state.is_confirmed
    return UnitState(state.images, state.trying)


def taken_back(state: UnitState) -> UnitState:
    """Nothing is on trial any more."""
    return UnitState(state.images, state.active)


def to_members(state: UnitState) -> dict[str, Any]:
    """The state as plain JSON values."""
    return asdict(state)


def of_members(members: Mapping[str, Any]) -> UnitState:
    """The state out of its file."""
    images = {slot: Image(**image) for slot, image in members["images"].items()}
    return UnitState(**{**members, "images": images})
