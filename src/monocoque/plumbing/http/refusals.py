"""Writes refusals to the log, so that a trace id which somebody was shown can be found there.

Rules: one line each, at a level that is shown by default; at a bounded pace, since anybody can be
refused as often as they like. What is left out is counted, and the next line says how many.

Left out on purpose: mistakes of ours, which are always written, with their traceback.
"""

import structlog

from monocoque.contracts.errors import MonocoqueError, TooManyRequests
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.rates import Rates

_ALL = "all"


class RefusalLog:
    """One per application."""

    def __init__(self, config: HttpConfig, clock: Clock, log: structlog.stdlib.BoundLogger) -> None:
        """Build it with ``refusal_lines_per_s`` and ``refusal_burst_lines``."""
        self._log = log
        self._left_out = 0
        self._pace = Rates(
            clock,
            per_s=config.refusal_lines_per_s,
            burst_requests=config.refusal_burst_lines,
            keys_max=1,
        )

    def write(self, event: str, error: MonocoqueError, **fields: object) -> None:
        """One line, or one more that is left out.

        event: such as ``refused``. The trace is the one that is bound (logging.py).
        """
        try:
            self._pace.take(_ALL)
        except TooManyRequests:
            self._left_out += 1
            return
        if self._left_out:
            fields["left_out_before"] = self._left_out
            self._left_out = 0
        self._log.warning(event, error_code=error.code, what=error.what, **fields)
