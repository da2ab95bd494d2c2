"""Limits of the door for VISS clients."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VissConfig:
    """Where it listens, and how much of it one client may take."""

    host: str = "127.0.0.1"
    """The address that it listens on; this machine alone, unless a person says otherwise."""
    port: int = 0
    """0 for any that is free; the car's folder says which."""
    sockets_max: int = 100
    """WebSockets of all clients that have shown a good token."""
    sockets_of_one_max: int = 10
    """The same of one client."""
    requests_max: int = 100
    """Requests over HTTP of all clients that are being answered at once."""
    requests_of_one_max: int = 20
    """The same of one client."""
    strangers_max: int = 100
    """WebSockets that have shown no good token; and, counted apart, connections that have not asked
    anything yet. The one that waited longest makes room for the newest."""
    stranger_s_max: float = 10.0
    """So long each of them may wait; a WebSocket whose token has ended is looked for as often."""
    message_bytes_max: int = 65_536
    """Of one request, or of the body of one."""
    requests_per_second_max: int = 200
    """Of one client, by all its WebSockets and over HTTP; of all strangers together."""
    subscriptions_max: int = 50
    """Of one client, by all its WebSockets."""
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
