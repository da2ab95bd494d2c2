"""Limits of the door for VISS clients."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VissConfig:
    """Where it listens, and how much of it one client may take."""

    host: str = "127.0.0.1"
    """The address that it listens on; this machine alone, unless a person says otherwise."""
    port: int = 0
    """0 for any that is free; the car's folder says which."""
    clients_max: int = 100
    """WebSockets and requests of all clients together."""
    message_bytes_max: int = 65_536
    """Of one request, or of the body of one."""
    requests_per_second_max: int = 200
    """Of one client; more are answered with 429."""
    subscriptions_max: int = 50
    """Of one client."""
    signals_per_request_max: int = 1_000
    """That one path, or its filter, may name."""
    values_per_answer_max: int = 10_000
    """Of the past, in one answer."""
    period_ms_min: int = 20
    """Of a subscription by time; a shorter one is this."""
    act_s_max: float = 30.0
    """How long a part may take that is set."""
    end_s_max: float = 2.0
    """How long requests may go on when the car ends."""
