"""The limits of HTTP at the edge."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monocoque.contracts.rights import Site


@dataclass(frozen=True)
class HttpConfig:
    """Every limit has its unit in its name."""

    public_hosts: Mapping[str, Site] = field(default_factory=dict)
    """Host names beside the built-in ones, in lower case, and the site that each one opens:
    ``doors``, ``shop``, ``phone`` or ``console``. They are served over TLS by a proxy in front:
    cookies of theirs are ``Secure`` and ``__Host-``."""

    body_bytes_max: int = 65_536
    """The largest body of a request; a route may name its own limit."""
    body_s_max: float = 10.0
    """How long a request's body may take to arrive."""
    answer_s_max: float = 30.0
    """How long a route may take until its answer begins."""
    send_s_max: float = 10.0
    """A reader of a stream or a large file that takes no bytes for so long is gone."""
    header_bytes_max: int = 16_384
    """Request line and headers together."""
    connections_max: int = 1_024
    """Connections open at once."""
    keep_alive_s: int = 15
    """How long an idle connection stays open."""
    shutdown_s_max: int = 3
    """How long requests that are under way may take when the server stops."""

    peer_requests_per_s: float = 1_000.0
    """Steady rate of one network address, all its sessions together."""
    peer_burst_requests: float = 2_000.0
    """How many it may send at once after a pause."""
    session_requests_per_s: float = 200.0
    """Steady rate of one signed-in browser."""
    session_burst_requests: float = 400.0
    """How many it may send at once after a pause."""
    rate_keys_max: int = 10_000
    """How many addresses and sessions are remembered; the longest unseen is forgotten first."""

    refusal_lines_per_s: float = 10.0
    """Steady rate of the lines that the log gets about refusals; more are counted instead."""
    refusal_burst_lines: float = 200.0
    """How many such lines may come at once after a pause."""

    streams_max: int = 512
    """Live streams of one process."""
    streams_per_session_max: int = 16
    """Live streams of one signed-in browser."""
    stream_heartbeat_s: float = 15.0
    """A silent stream sends a comment this often, so that nobody between closes it."""
    stream_check_s: float = 5.0
    """How often a stream asks whether its session is alive and still has the right."""
    stream_s_max: float = 3_600.0
    """A stream ends after this time; the page opens a new one by itself."""
    stream_retry_ms: int = 2_000
    """How long a page waits before it opens a stream again."""

    files_max: int = 5_000
    """Files of the pages, all sites together."""
    file_memory_bytes_max: int = 1_048_576
    """A larger file is read from the disk, piece by piece, when it is asked for."""
    files_memory_bytes_max: int = 33_554_432
    """All files in memory together."""
    file_chunk_bytes: int = 65_536
    """How much of a larger file is read at a time."""
