"""A role in a process that kills itself: ``python -m tests.e2e.struck FOLDER run ROLE ...``.

It is `monocoque` with a profile function in the interpreter. Nothing of the product is changed; it
is only watched, and ended by SIGKILL at the very moment that the plan names.

Rules:

* SIGUSR1 begins it: ``plan.json`` in FOLDER is read, and ``begun`` written. Until then the process
  runs unwatched. A second SIGUSR1 ends it, and ``passed.json`` says which boundaries were passed;
* a boundary has a name: what of ours was being called, innermost first. The plan names one of them
  and how often it is to be passed before the strike, so other work of the process shifts nothing;
* ``durable``: before and after each commit that changes something, and before and after each
  message and acknowledgement that leaves for the bus between machines, when it is answered;
* ``awaits``: each moment at which a coroutine of ours gives back control, to the loop or to its
  caller. Several at once, with nothing done in between, are one boundary.

Left out on purpose: threads. No service of ours has one; the profile function sees the main one.
"""

import dis
import inspect
import json
import os
import signal
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

import monocoque
from monocoque.cli.main import main
from monocoque.plumbing.records.quick import _Transaction

OURS = f"{Path(monocoque.__file__).parent}{os.sep}"
PLUMBING = f"{OURS}plumbing{os.sep}"
COMMAND_LINE = f"{OURS}cli{os.sep}"
LEAVES = {
    f"{PLUMBING}bus{os.sep}nats_bus.py": "publish_batch",
    f"{PLUMBING}bus{os.sep}nats_consumer.py": "acknowledge",
}
"""By file: the coroutine by which something leaves for the bus between machines."""
QUICK_COMMIT = _Transaction.commit.__code__
"""The code that commits what quick.py did."""
ASYNCHRONOUS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
ROOMS = tuple(f"{OURS}{room}{os.sep}" for room in ("car", "cloud", "phone"))
"""An await counts when one of these rooms is at work: that is where a command lives."""


class Watch:
    """What both kinds share: names, counts, and the strike."""

    def __init__(self, target: tuple[str, int] | None) -> None:
        self.passed: Counter[str] = Counter()
        self._target = target

    def passes(self, frame: FrameType, rooms: tuple[str, ...], what: str) -> None:
        """A boundary is passed; this is the end if it is the one."""
        name = name_of(frame, rooms, what)
        if name is None:
            return
        self.passed[name] += 1
        if self._target == (name, self.passed[name]):
            os.kill(os.getpid(), signal.SIGKILL)


class Durable(Watch):
    """Watches what is durable."""

    def __init__(self, target: tuple[str, int] | None) -> None:
        super().__init__(target)
        self._changes: dict[int, int] = {}
        """By connection: how many changes it had seen when its transaction began."""
        self._leaving: set[int] = set()
        """Frames of messages that are on their way."""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """See sys.setprofile."""
        if event in ("c_call", "c_return"):
            at = argument.__self__
            connection = at.connection if isinstance(at, sqlite3.Cursor) else at
            if isinstance(connection, sqlite3.Connection):
                self._touches(frame, event, argument.__name__, connection)
        elif frame.f_code.co_name == LEAVES.get(frame.f_code.co_filename):
            self._leaves(frame, event)

    def _touches(
        self, frame: FrameType, event: str, function: str, connection: sqlite3.Connection
    ) -> None:
        """A connection is asked for something; our own way of records commits by a statement."""
        if function == "commit" or frame.f_code is QUICK_COMMIT:
            self._commits(frame, event, connection)
        elif function == "execute" and not connection.in_transaction:
            self._changes[id(connection)] = connection.total_changes

    def _commits(self, frame: FrameType, event: str, connection: sqlite3.Connection) -> None:
        if connection.total_changes != self._changes.get(id(connection)):
            what = "before the commit" if event == "c_call" else "after the commit"
            self.passes(frame, (OURS,), what)

    def _leaves(self, frame: FrameType, event: str) -> None:
        told = frame.f_code.co_name
        if event == "call" and id(frame) not in self._leaving:
            self._leaving.add(id(frame))
            self.passes(frame, (OURS,), f"before {told}")
        elif event == "return" and operation_of(frame) != "YIELD_VALUE":
            self._leaving.discard(id(frame))
            if operation_of(frame).startswith("RETURN"):
                self.passes(frame, (OURS,), f"after {told}")


class Awaits(Watch):
    """Watches where control is given back."""

    def __init__(self, target: tuple[str, int] | None) -> None:
        super().__init__(target)
        self._is_still = False
        """Nothing was done since the boundary before."""

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        """See sys.setprofile."""
        if event != "return":
            self._is_still = False
        elif (
            not self._is_still
            and frame.f_code.co_flags & ASYNCHRONOUS
            and frame.f_code.co_filename.startswith(OURS)
        ):
            self._is_still = True
            self.passes(frame, ROOMS, f"line {frame.f_lineno}")


def operation_of(frame: FrameType) -> str:
    """What the frame does just now."""
    return dis.opname[frame.f_code.co_code[frame.f_lasti]]


def name_of(frame: FrameType, rooms: tuple[str, ...], what: str) -> str | None:
    """The name of a boundary; None when no code of these rooms is at work."""
    names = []
    is_theirs = False
    at: FrameType | None = frame
    while at is not None:
        file = at.f_code.co_filename
        if file.startswith(OURS) and not file.startswith(COMMAND_LINE):
            is_theirs = is_theirs or file.startswith(rooms)
            names.append(f"{file[len(OURS) :]} {at.f_code.co_qualname}")
        at = at.f_back
    return " < ".join([what, *names]) if is_theirs else None


KINDS: dict[str, type[Durable] | type[Awaits]] = {"durable": Durable, "awaits": Awaits}


class Plan:
    """Begins and ends the watch at signals."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._watch: Durable | Awaits | None = None

    def turn(self, _number: int, _frame: FrameType | None) -> None:
        """Begin, or end what was begun."""
        sys.setprofile(None)
        if self._watch is not None:
            self._write("passed.json", json.dumps(self._watch.passed))
            self._watch = None
            return
        plan = json.loads((self._folder / "plan.json").read_text())
        target = plan["target"]
        self._watch = KINDS[plan["kind"]](None if target is None else tuple(target))
        self._write("begun", "")
        sys.setprofile(self._watch)

    def _write(self, name: str, text: str) -> None:
        half = self._folder / f"half-{name}"
        half.write_text(text)
        half.rename(self._folder / name)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, Plan(Path(sys.argv.pop(1))).turn)
    main()
