"""Logs: one JSON object per line on standard error, with the trace it belongs to.

Rules:

* whatever is named after a secret (``SECRET_WORDS``) is blacked out, at any depth; ``error_code``
  and its like (``PUBLIC_NAMES``) are not secrets;
* a line inside a request or a message carries its ``trace_id``, bound by the edge for a request
  and by ``handling`` of service.py for a message; ``stamp`` gives it to the messages that follow;
* lines of libraries take the same form;
* tracebacks never show the values of variables.

Left out on purpose: files and rotation; whoever starts the process owns its standard error.
"""

import logging
import sys
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

SECRET_WORDS: Final = frozenset(
    {"token", "cookie", "code", "key", "secret", "password", "authorization", "vin", "position"}
)
"""A name with one of these among its words is blacked out: ``link_code``, ``x-csrf-token``."""

PUBLIC_NAMES: Final = frozenset({"error_code", "exit_code", "status_code"})
"""Names that hold such a word and are no secret."""

REDACTED: Final = "[redacted]"
DEPTH_MAX: Final = 6
"""Deeper values are written as an ellipsis."""


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Send every line of this process, ours and the libraries', to the stream as JSON.

    level: the name of the lowest level that is written, such as ``WARNING``. stream: standard
    error when it is not given. Call it once, where a process begins.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def get_log(name: str) -> structlog.stdlib.BoundLogger:
    """The log of one part, such as ``monocoque.http``."""
    log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return log


def current_trace_id() -> str | None:
    """The trace that is bound here, or None."""
    trace_id: str | None = structlog.contextvars.get_contextvars().get("trace_id")
    return trace_id


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Black out every value whose name is a secret's; a structlog processor."""
    return {name: _shown(name, value, DEPTH_MAX) for name, value in event.items()}


def _shown(name: str, value: Any, depth_left: int) -> Any:
    if _is_secret(name):
        return REDACTED
    if isinstance(value, bytes | bytearray):
        return f"{len(value)} bytes"
    if isinstance(value, dict | list | tuple) and depth_left == 0:
        return "..."
    if isinstance(value, dict):
        return {str(k): _shown(str(k), inner, depth_left - 1) for k, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown("", inner, depth_left - 1) for inner in value]
    return value


def _is_secret(name: str) -> bool:
    lowered = name.lower()
    if lowered in PUBLIC_NAMES:
        return False
    return not SECRET_WORDS.isdisjoint(lowered.replace("-", "_").split("_"))
