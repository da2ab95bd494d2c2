"""Limits of payments."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PaymentsConfig:
    """How the shop deals with its payment provider."""

    ask_s_max: float = 10.0
    """How long the provider may take to answer."""
    look_again_s: float = 5.0
    """A payment that is not decided, or a refund that is due, is looked at again after this time,
    then after twice as long, and so on."""
    look_again_s_max: float = 600.0
    """Longest pause between two such looks."""
    pending_s_max: float = 1_800.0
    """A charge that the provider has not decided after this time is voided."""
    payments_per_order_max: int = 20
    """How often one order may be tried to be paid."""
    event_age_s_max: int = 300
    """An event of the provider that was sent longer ago is refused."""
