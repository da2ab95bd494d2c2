"""Limits of quotes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class QuoteConfig:
    """How long the shop stands by what it offered."""

    lifetime_s: int = 86_400
    """How long a quote is good for an order; a document lives at most seven days."""
