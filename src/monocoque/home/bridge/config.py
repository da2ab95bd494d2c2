"""Limits of the bridge between a home and its cell."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BridgeConfig:
    """How often a home speaks, and how much may wait in it."""

    hello_interval_s: float = 10.0
    hello_retry_s: float = 1.0
    """Pauses between hellos double from the second to the first after each new connection; while
    none can be sent they stay at the second."""
    state_interval_s: float = 300.0
    """The state of the devices is said whenever it changed, and at least this often."""
    waiting_requests_max: int = 100
    """Requests that may wait for their device; what comes beyond is refused."""
    act_s_max: float = 10.0
    """How long a device may take to do what it is told."""
    remembered_s: float = 86_400.0
    """A request is remembered so long after its time, so that it never happens again."""
    forget_batch_requests: int = 100
    """How many of those that are older are forgotten in one go."""
    outbox_batch_messages: int = 100
    """How many outcomes are said in one go."""
    retry_s: float = 0.5
    """Pause after bus or records were away."""
