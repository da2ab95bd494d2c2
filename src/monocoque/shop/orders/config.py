"""Limits of orders."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OrdersConfig:
    """How orders are taken and kept."""

    unpaid_s: float = 1_800.0
    """How long an order keeps its place in a week without being paid."""
    lead_weeks: int = 1
    """The earliest week that is sold: so many after the one that runs now."""
    weeks_ahead_max: int = 520
    """How many weeks are planned; beyond them nothing is promised."""
    intake_batch_orders: int = 200
    """How many orders are put on record in one transaction, when many come at once."""
    outbox_batch_events: int = 200
    """How many events are said to the factory in one go."""
    builds_batch_messages: int = 100
    """How many of the factory's events are taken from the bus at once."""
    builds_wait_s: float = 30.0
    """How long one look for them waits for the first."""
    look_s_max: float = 30.0
    """How often the book is looked through for what is due, at least; news make it sooner."""
    gather_s: float = 0.1
    """How long after news the look waits, so that it finds all that came at once."""
    look_orders_max: int = 200
    """How many orders and payments are dealt with in one look."""
    retry_s: float = 0.5
    """Pause after bus or records were away."""
    shown_orders_max: int = 100
    """How many of one's orders a page is shown, the newest first."""
    shown_weeks_max: int = 120
    """How many production weeks the console is shown, the latest of those with orders."""
    summary_interval_s: float = 1.0
    """How often a live console is told the numbers of orders at most, however many change."""
    tick_interval_s: float = 5.0
    """How often a live page is told the time, so that it knows that it is still connected."""
