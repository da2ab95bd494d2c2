"""Errors on the bus: to a ``Failure`` message and back, with every answer kept.

Rules: the sender's word counts for ``may_have_happened`` and ``temporary``, since it knows more
than the class; a code that this side does not know becomes the root of the tree, with the code
named, so an old side never guesses what a new error means.

Left out on purpose: the header, which whoever publishes stamps (header.py), and stack traces.
"""

from typing import Final

from monocoque.contracts.errors import MonocoqueError, all_errors
from monocoque.contracts.wire.header_pb2 import Failure

WHAT_CHARACTERS_MAX: Final = 500
"""A longer sentence is cut; a hint too."""


def to_failure(error: MonocoqueError) -> Failure:
    """The message of an error, without its header."""
    return Failure(
        code=error.code,
        what=error.what[:WHAT_CHARACTERS_MAX],
        hint=error.hint[:WHAT_CHARACTERS_MAX],
        may_have_happened=error.may_have_happened,
        temporary=error.temporary,
    )


def from_failure(failure: Failure) -> MonocoqueError:
    """The error of a message: of the class with its code, with the sender's own answers.

    An unknown code gives a MonocoqueError whose sentence names the code.
    """
    what = failure.what[:WHAT_CHARACTERS_MAX]
    hint = failure.hint[:WHAT_CHARACTERS_MAX] or None
    for error_class in all_errors():
        if error_class.code == failure.code:
            return _answered(error_class(what, hint=hint), failure)
    return _answered(MonocoqueError(f"{failure.code[:64]}: {what}", hint=hint), failure)


def _answered(error: MonocoqueError, failure: Failure) -> MonocoqueError:
    # The answers are declared on the class; this one error carries those of its sender.
    vars(error).update(may_have_happened=failure.may_have_happened, temporary=failure.temporary)
    return error
