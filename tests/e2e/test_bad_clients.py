"""Clients that mean no good: the cell goes on for everybody else.

Rules: raw sockets against a running installation; what a route makes of a wrong request is tested
at the edge (tests/plumbing/test_http_*.py).
"""

import contextlib
import socket
import urllib.error
import urllib.request

import pytest

from monocoque.contracts import errors
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.connection import HEAD_S_MAX
from tests.e2e.conftest import CARS
from tests.e2e.installation import Installation, wait_until

HELD = HttpConfig().connections_max + 100
GIVEN_BACK_S_MAX = HEAD_S_MAX + 20
BEGUN = b"GET /api/health HTTP/1.1\r\nHost: local"
WHOLE = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_those_who_never_finish_a_request_give_their_connections_back(
    own_installation: Installation,
) -> None:
    with contextlib.ExitStack() as held:
        for number in range(HELD):
            one = held.enter_context(socket.create_connection(("127.0.0.1", own_installation.port)))
            # Every other one asks once, and then begins a request without an end.
            one.sendall(BEGUN if number % 2 else WHOLE + BEGUN)
        assert own_installation.cars_online() == -1, "no room is left"
        wait_until(
            "the cell answers again", lambda: own_installation.cars_online() == 1, GIVEN_BACK_S_MAX
        )


def test_a_head_that_is_too_large_is_refused_and_counted(installation: Installation) -> None:
    large = HttpConfig().header_bytes_max
    refused = errors.RequestTooLarge.code
    before = installation.counted("monocoque_errors_total", where="http", code=refused)
    address = f"http://127.0.0.1:{installation.port}/api/health"
    for path, headers in (("", {"X-Filler": "x" * large}), ("?" + "y" * large, {})):
        request = urllib.request.Request(address + path, headers=headers)
        with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request):
            pass
        with caught.value as answer:
            assert answer.code == errors.RequestTooLarge.http_status
    after = installation.counted("monocoque_errors_total", where="http", code=refused)
    assert after == before + 2
    assert installation.cars_online() == CARS
