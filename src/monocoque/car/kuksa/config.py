"""Limits of the door for KUKSA's clients."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KuksaConfig:
    """Where it listens, and how much of it one client may take."""

    host: str = "127.0.0.1"
    """The address that it listens on; this machine alone, unless a person says otherwise."""
    port: int = 0
    """0 for any that is free; the car's folder says which."""
    message_bytes_max: int = 1_048_576
    """Of one message, in either direction."""
    calls_max: int = 1_000
    """Calls and streams of all clients together."""
    calls_per_client_max: int = 300
    """Of one client: a token, or whatever tokens another issuer gave one subject."""
    batches_waiting_max: int = 1_000
    """Of one subscription, before newer values replace older ones."""
    gather_s: float = 0.005
    """A subscriber that was sent something within this time hears the next together with what comes
    until then; one that hears less often waits for nothing."""
    values_per_request_max: int = 2_000
    """Signals that one message names."""
    act_s_max: float = 30.0
    """How long what a client asks for may take, when its call has no deadline of its own."""
    answer_s_max: float = 1.0
    """How long a reader waits for a provider that is asked for a value; then it gets the last."""
    end_s_max: float = 0.5
    """How long calls may go on when the car ends."""
