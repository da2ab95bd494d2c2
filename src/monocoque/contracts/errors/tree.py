"""The root of the error tree, and the walk over all of it.

Rules: every answer is an attribute of the class, so an error that is wrapped, raised again or sent
over the bus never loses one. ``http_status`` maps the tree to HTTP (RFC 9110 status codes, RFC 9457
problem bodies); plumbing/bus/failures.py maps it to the bus, as a ``Failure`` message, and back.

Left out on purpose: the families, which have a file each.
"""

from typing import ClassVar


class MonocoqueError(Exception):
    """The root. Raise a leaf, with one sentence that says what happened, without secrets."""

    code: ClassVar[str] = "monocoque_error"
    http_status: ClassVar[int] = 500
    may_have_happened: ClassVar[bool] = False
    temporary: ClassVar[bool] = False
    default_hint: ClassVar[str] = "Run `monocoque doctor` and read the log of the failing service."

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        """Build the error.

        what: one sentence that says what happened, free of secrets, positions and VINs.
        hint: replaces the class's hint where a better one is known.
        """
        super().__init__(what)
        self.what = what
        self.hint = hint or self.default_hint


def all_errors() -> tuple[type[MonocoqueError], ...]:
    """Every class of the tree, parents first, each exactly once."""
    found: list[type[MonocoqueError]] = []
    open_classes: list[type[MonocoqueError]] = [MonocoqueError]
    while open_classes:
        current = open_classes.pop(0)
        found.append(current)
        open_classes.extend(current.__subclasses__())
    return tuple(found)
