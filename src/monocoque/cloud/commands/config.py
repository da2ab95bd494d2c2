"""Limits of the mailbox of commands."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MailboxConfig:
    """How many commands may wait, and how they are sent until the car answers."""

    commands_per_minute_max: int = 30
    """Commands that one key may hand in within a minute."""
    waiting_per_car_max: int = 100
    """Commands of one car that may wait for its answer at once."""
    shown_commands_max: int = 100
    """How many commands a page is shown, the newest first; the log has them all."""
    log_lines_max: int = 500
    """How many lines of each log are given at once."""

    send_pause_s_min: float = 1.0
    """A command that was sent and not answered is sent again after this pause, then after twice
    as long, and so on."""
    sends_by_time_max: int = 5
    """How often it is sent so; after that only when the car says hello."""
    hello_flush_s: float = 0.1
    """Hellos of cars within this time are looked at together."""
    hello_cars_max: int = 10_000
    """Cars whose hello may wait to be looked at; one beyond that is heard at its next hello."""
    look_s: float = 5.0
    """How often it is looked for commands whose time has come, at least; what is known to be due,
    or was changed, is looked at in its time."""
    look_s_min: float = 0.25
    """And at most; news within this time are dealt with together."""
    look_commands_max: int = 500
    """How many commands are sent or closed in one go."""
    answer_grace_s: float = 5.0
    """A command that was sent may be answered so long after its deadline before it counts as
    unknown."""

    receipts_batch_messages: int = 200
    """How many receipts are recorded in one transaction."""
    receipts_wait_s: float = 30.0
    """How long one look for receipts waits for the first."""
    confirm_pause_s: float = 0.5
    """How long after its receipt a car is told how far its log is on record; receipts within this
    time are confirmed together."""
    confirm_cars_max: int = 10_000
    """Cars that may wait to be told so; one beyond that says its lines again, and is told then."""
    keys_remembered_max: int = 10_000
    """Cars whose public key is kept in memory, to check their receipts."""
    retry_s: float = 0.5
    """Pause after bus or records were away."""
    tick_interval_s: float = 5.0
    """How often a live page is told the time, so that it knows that it is still connected."""
