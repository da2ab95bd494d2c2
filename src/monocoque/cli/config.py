"""What a start takes from the settings when its arguments do not say it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StartConfig:
    """What an argument of the same name may also say; these stand in no section."""

    port: int = 8_000
    """The HTTP port, 0 for any; ``--port`` goes before it."""
    cars: int = 3
    """How many virtual cars ``monocoque up`` shall have; what is missing is ordered. ``--cars``
    goes before it."""
    homes: int = 1
    """How many homes ``monocoque up`` shall have; what is missing is made. They run beside the
    cars, so with no cars there are none. ``--homes`` goes before it."""
