"""Limits of echo."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EchoConfig:
    """How fast questions come, and how long everybody waits."""

    ask_interval_s: float = 20.0
    """Pause between two questions of one asker."""
    answer_wait_s: float = 15.0
    """Pause between two rounds in which what was not answered is asked again."""
    retry_s: float = 2.0
    """Pause before the bus or the records are tried again."""
    batch_messages_max: int = 50
    """How many questions are sent, or answered, at once."""
    listen_s: float = 30.0
    """How long one wait for messages takes, at most."""
