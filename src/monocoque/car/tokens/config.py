"""How soon a token that was taken back is known to be, and how many a car keeps."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TokensConfig:
    """Limits of tokens of signal clients."""

    look_interval_s: float = 1.0
    """So often the car looks whether another process took a token back."""
    tokens_max: int = 1_000
    """Tokens of one car that have not ended."""
    issuers_max: int = 16
    """Other issuers whose tokens one car takes."""
    judged_max: int = 256
    """So many tokens need not be judged anew at each request."""
