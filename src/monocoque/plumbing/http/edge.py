"""The outermost layer: trace, site, rate of a peer, headers of safety, and the end of every error.

Rules:

* it is bare ASGI, so that answers stream;
* an error of the one tree becomes its problem body; any other error is a mistake of ours: its
  traceback goes to the log, and the caller gets a trace id and nothing else;
* one line per request is logged at INFO: method, route template, site, status, duration; never a
  path, a query or a header. A refusal is one more line, which is shown by default (refusals.py);
* an answer that has begun and then fails is cut off, never completed as if it were whole.
"""

from random import Random

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monocoque.contracts import identifiers
from monocoque.contracts.errors import DefectError, MonocoqueError, RequestTooLarge
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.counters import HttpCounters
from monocoque.plumbing.http.exchange import Exchange, open_exchange
from monocoque.plumbing.http.problems import problem_response, translated
from monocoque.plumbing.http.rates import Rates
from monocoque.plumbing.http.refusals import RefusalLog
from monocoque.plumbing.http.sites import find_place
from monocoque.plumbing.http.streams import Streams

_CONTENT_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

SECURITY_HEADERS = (
    (b"content-security-policy", _CONTENT_POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
)
"""On every answer, also on errors."""

TLS_HEADER = (b"strict-transport-security", b"max-age=31536000")
"""On public host names, which are served over TLS (RFC 6797)."""


class Edge:
    """Wraps the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        config: HttpConfig,
        clock: Clock,
        random: Random,
        log: structlog.stdlib.BoundLogger,
        counters: HttpCounters,
        streams: Streams,
        refusals: RefusalLog,
    ) -> None:
        """Build the layer; the arguments are those of the service's context."""
        self._app = app
        self._config = config
        self._clock = clock
        self._random = random
        self.log = log
        self._counters = counters
        self._streams = streams
        self._refusals = refusals
        self._peer_rates = Rates(
            clock,
            per_s=config.peer_requests_per_s,
            burst_requests=config.peer_burst_requests,
            keys_max=config.rate_keys_max,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; what is not HTTP goes on as it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(
            trace_id=identifiers.make("trace", self._random.getrandbits),
            started_us=self._clock.now_us(),
            streams=self._streams,
        )
        open_exchange(scope, exchange)
        answer = _Answer(send, exchange)
        with structlog.contextvars.bound_contextvars(trace_id=exchange.trace_id):
            try:
                await self._answer(scope, receive, answer)
            finally:
                self._tell(scope, exchange, answer.status)

    async def _answer(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        try:
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            answer.exchange.place = find_place(hosts, self._config.public_hosts)
            self._peer_rates.take((scope.get("client") or ("unknown", 0))[0])
            _check_head(scope, self._config.header_bytes_max)
            await self._app(scope, receive, answer.send)
        except MonocoqueError as error:
            await self._refuse(error, scope, receive, answer)
        except Exception as error:
            self.log.exception("a mistake of ours")
            await self._refuse(translated(error), scope, receive, answer)

    async def _refuse(
        self, error: MonocoqueError, scope: Scope, receive: Receive, answer: "_Answer"
    ) -> None:
        self._counters.errors.labels("http", error.code).inc()
        if error.http_status >= 500:
            # What the tree names says what a person needs; a mistake of ours needs its trace.
            trace = error if isinstance(error, DefectError) else None
            self.log.error(
                "failed", error_code=error.code, what=error.what, hint=error.hint, exc_info=trace
            )
        else:
            self._refusals.write(
                "refused",
                error,
                method=scope["method"][:10],
                route=answer.exchange.route,
                status=error.http_status,
            )
        if answer.status:
            raise error  # the server cuts the connection
        await problem_response(error, answer.exchange.trace_id)(scope, receive, answer.send)

    def _tell(self, scope: Scope, exchange: Exchange, status: int) -> None:
        duration_us = self._clock.now_us() - exchange.started_us
        self._counters.requests.labels(exchange.route, str(status)).inc()
        self._counters.seconds.labels(exchange.route).observe(duration_us / 1_000_000)
        self.log.info(
            "request",
            method=scope["method"][:10],
            route=exchange.route,
            site=exchange.place.site.value if exchange.place else None,
            status=status,
            duration_us=duration_us,
        )


def _check_head(scope: Scope, bytes_max: int) -> None:
    """Refuse a head that is too large and came at once; the server itself bounds slow ones."""
    line = len(scope["raw_path"]) + len(scope["query_string"])
    if line + sum(len(name) + len(value) for name, value in scope["headers"]) > bytes_max:
        raise RequestTooLarge(f"Request line and headers take {bytes_max} bytes at most.")


class _Answer:
    """The way back: adds the headers that every answer has, and remembers its status."""

    def __init__(self, send: Send, exchange: Exchange) -> None:
        self._send = send
        self.exchange = exchange
        self.status = 0
        """0 until the answer begins."""

    async def send(self, message: Message) -> None:
        """Pass one message on to the server."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", []))
            headers.extend(SECURITY_HEADERS)
            if self.exchange.place is not None and self.exchange.place.is_public:
                headers.append(TLS_HEADER)
            headers.append((b"x-trace-id", self.exchange.trace_id.encode()))
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await self._send(message)
