"""What one client may do with which signals.

Rules: deny by default; providing and actuating include reading, as in KUKSA; what is denied by name
is denied whatever else allows it. Reads are checked for a whole request at once.

Left out on purpose: tokens, from which an access is made (car/tokens).
"""

from dataclasses import dataclass
from typing import Final

Numbers = frozenset[int]


@dataclass(frozen=True, slots=True)
class Access:
    """Sets of signal numbers, worked out once when a client comes."""

    reads: Numbers = frozenset()
    actuates: Numbers = frozenset()
    provides: Numbers = frozenset()
    creates: Numbers = frozenset()
    """KUKSA's right to register a signal; ours are in the catalogue, so nothing comes of it."""
    expires_us: int | None = None
    """From then on nothing is allowed; None for never."""
    token_id: str = ""
    """Of the token it was made from, by which it is revoked; empty for services of the car."""
    issuer_id: str = ""
    """Of who made the token, if that is not the car; all of its tokens can be revoked at once."""
    holder: str = ""
    """Whose token it is, as whoever gave it out wrote it."""

    @property
    def client(self) -> str:
        """Who counts as one where each has a share.

        A person gave out each of the car's own tokens; another issuer may make any number for one
        subject, so they are one client.
        """
        return f"{self.issuer_id}/{self.holder}" if self.issuer_id else self.token_id


NOTHING: Final = Access()


def everything(numbers: Numbers) -> Access:
    """What the car's own services may do: all, for ever."""
    return Access(reads=numbers, actuates=numbers, provides=numbers)
