"""A mistake of ours.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: mistakes of the caller, which are errors of input.
"""

from monocoque.contracts.errors.tree import MonocoqueError


class DefectError(MonocoqueError):
    """A mistake of ours; please report it with the trace id."""

    code = "defect"
    may_have_happened = True
    default_hint = "Report it with the trace id; read the present state before you do it again."


class Deadlock(DefectError):
    """Virtual time cannot go on: everybody waits and nothing is scheduled."""

    code = "deadlock"
    default_hint = "Read the list of waiting tasks; one waits for an event that never comes."


class Livelock(DefectError):
    """Virtual time cannot go on: tasks wake each other without end at one moment."""

    code = "livelock"
    default_hint = "Read the list of tasks; two of them answer each other without a pause."


class NotInVirtualTime(DefectError):
    """Code in a world reached for a thread, a socket, a process or a signal."""

    code = "not_in_virtual_time"
    may_have_happened = False
    default_hint = "Only worlds raise this: use the port beneath; real sockets have own tests."


class WorkNotSynchronous(DefectError):
    """A work for the records awaits, or returned something to be awaited; it was rolled back."""

    code = "work_not_synchronous"
    may_have_happened = False
    default_hint = "Hand `transact` a plain function that does SQL and nothing else."


class MachineFenced(DefectError):
    """A machine that lost its power tried to act."""

    code = "machine_fenced"
    may_have_happened = False
    default_hint = "Only worlds raise this: the code acted after its machine was cut off."
