"""What an argument may be: the words in which tables of scopes and of scenes give their limits.

Left out on purpose: which arguments there are; the tables say that.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """An argument that is a whole number within limits, both included."""

    minimum: int
    maximum: int

    def takes(self, value: object) -> bool:
        """Whether the value may stand here; true and false are no numbers."""
        return type(value) is int and self.minimum <= value <= self.maximum


@dataclass(frozen=True, slots=True)
class YesOrNo:
    """An argument that is true or false."""

    def takes(self, value: object) -> bool:
        """Whether the value may stand here."""
        return isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Text:
    """An argument that is a text of at least one character (a Unicode code point)."""

    characters_max: int

    def takes(self, value: object) -> bool:
        """Whether the value may stand here."""
        return isinstance(value, str) and 1 <= len(value) <= self.characters_max


Limits = WholeNumber | YesOrNo | Text
