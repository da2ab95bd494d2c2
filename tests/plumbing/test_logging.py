"""Log lines are JSON, carry their trace, and never show a secret."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from monocoque.plumbing.logging import REDACTED, configure_logging, get_log, redact

SECRET = "4711-combination"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    written = io.StringIO()
    configure_logging("INFO", written)
    try:
        yield written
    finally:
        structlog.reset_defaults()
        root.handlers = handlers
        root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_who_what_and_when_and_which_trace(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(trace_id="trace_1"):
        get_log("monocoque.here").info("it happened", count=3)
    get_log("monocoque.here").debug("too quiet")

    [line] = lines(stream)
    assert line["event"] == "it happened"
    assert (line["logger"], line["level"], line["count"]) == ("monocoque.here", "info", 3)
    assert line["trace_id"] == "trace_1"
    assert str(line["timestamp"]).endswith("Z")


def test_lines_of_libraries_take_the_same_form(stream: io.StringIO) -> None:
    logging.getLogger("library").warning("it is %s", "late")

    [line] = lines(stream)
    assert (line["event"], line["logger"], line["level"]) == ("it is late", "library", "warning")


def test_a_traceback_shows_no_values(stream: io.StringIO) -> None:
    def fail(password: str) -> None:
        raise RuntimeError("it failed")

    try:
        fail(SECRET)
    except RuntimeError:
        get_log("monocoque.here").exception("oh")

    [line] = lines(stream)
    assert "it failed" in str(line["exception"])
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize(
    "name",
    ["token", "csrf_token", "X-CSRF-Token", "cookie", "link_code", "key", "private_key", "vin",
     "Authorization", "password", "position"],
)  # fmt: skip
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_whatever_is_named_after_a_secret_is_blacked_out(name: str, depth: int) -> None:
    value: object = {name: SECRET}
    for _ in range(depth):
        value = [{"inner": value}]
    event = {"event": "e", "value": value} if depth else {"event": "e", name: SECRET}

    shown = str(redact(None, "info", event))

    assert SECRET not in shown
    assert REDACTED in shown


@pytest.mark.parametrize("name", ["error_code", "status_code", "keyboard", "monkey", "person_id"])
def test_what_only_sounds_like_a_secret_is_shown(name: str) -> None:
    assert redact(None, "info", {"event": "e", name: "seen"})[name] == "seen"


def test_bytes_and_bottomless_values_are_cut_short() -> None:
    bottomless: list[object] = []
    bottomless.append(bottomless)

    shown = redact(None, "info", {"event": "e", "raw": b"abc", "deep": bottomless})

    assert shown["raw"] == "3 bytes"
    assert "..." in str(shown["deep"])
