"""How quick the configurator answers, and how many orders a shop takes in.

Figures:

* ``configure_p50_ms``, ``configure_p99_ms``: in process, what one click of the page asks: what is
  possible, what is forced, the cheapest car and its price, for choices by chance;
* ``intake_orders_per_second``: a fresh installation on loopback takes ``ORDERS`` orders by signed
  quotes over ``CONNECTIONS`` connections that are kept, each as quick as its answers come; an
  answer means that the order is on disk. HTTP, services, database and buyers share the machine;
* ``intake_p50_ms``, ``intake_p99_ms``: of these requests, under that load.

The records are in PostgreSQL: at ``MONOCOQUE_RECORDS_URL``, or, from the source folder, in a server
that is started for it. Limits of pace and the places of a week are raised. The quotes are asked for
before, and are not measured. Buyers speak HTTP by hand, since a client for every purpose takes
longer over a request than the cell.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvloop

from monocoque.shop.configurator.logic.engine import Engine
from monocoque.shop.configurator.service import load_engine
from monocoque.shop.quotes.logic import price_of

CLICKS = 3_000
CHOICES_MAX = 8
ORDERS = 5_000
CONNECTIONS = 64
READY_S_MAX = 60.0
STOP_S_MAX = 20.0
LOOK_S = 0.05
RECORDS_VARIABLE = "MONOCOQUE_RECORDS_URL"
SETTINGS = {
    "MONOCOQUE_HTTP_PEER_REQUESTS_PER_S": "100000",
    "MONOCOQUE_HTTP_PEER_BURST_REQUESTS": "100000",
    "MONOCOQUE_HTTP_SESSION_REQUESTS_PER_S": "100000",
    "MONOCOQUE_HTTP_SESSION_BURST_REQUESTS": "100000",
    "MONOCOQUE_WEEKS_SLOTS_PER_WEEK": "1000",
}
SIGN_IN = re.compile(r"http://shop\.localhost:(\d+)/sign-in#(\S+)")

Progress = Callable[[str], object]


def measure(progress: Progress) -> dict[str, float | int]:
    """Run it and return the figures; progress is told what is being done."""
    progress(f"{CLICKS} clicks in the configurator")
    clicks_ms = _clicks_ms(load_engine(), random.Random(1))
    with contextlib.ExitStack() as stack:
        url = os.environ.get(RECORDS_VARIABLE) or stack.enter_context(_postgres(progress))
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="monocoque-bench-"))
        progress("starting an installation")
        port, code = stack.enter_context(_installation(Path(directory), url))
        runner = stack.enter_context(asyncio.Runner(loop_factory=uvloop.new_event_loop))
        took_ms, wall_s = runner.run(_orders(port, code, progress))
    return {
        "configure_p50_ms": round(statistics.median(clicks_ms), 3),
        "configure_p99_ms": _p99(clicks_ms),
        "orders": len(took_ms),
        "connections": CONNECTIONS,
        "intake_orders_per_second": round(len(took_ms) / wall_s, 1),
        "intake_p50_ms": round(statistics.median(took_ms), 1),
        "intake_p99_ms": _p99(took_ms),
    }


def _p99(values: list[float]) -> float:
    return round(statistics.quantiles(values, n=100)[98], 2)


def _clicks_ms(engine: Engine, chance: random.Random) -> list[float]:
    keys, markets = sorted(engine.catalogue.options), sorted(engine.catalogue.markets)
    took_ms = []
    for _ in range(CLICKS):
        choices = chance.sample(keys, chance.randint(0, CHOICES_MAX))
        market = chance.choice(markets)
        began_s = time.perf_counter()
        found = engine.possibilities(choices)
        if found.conflict is None:
            price_of(engine.catalogue, engine.complete(choices, market), market)
        took_ms.append((time.perf_counter() - began_s) * 1_000)
    return took_ms


# --- intake -----------------------------------------------------------------------------------


class _Line:
    """One connection that is kept, as a browser keeps it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    async def post(self, path: str, body: bytes, key: str = "") -> bytes:
        """The answer's body; raises RuntimeError unless something was made."""
        own = f"idempotency-key: {key}\r\n" if key else ""
        head = (
            f"POST {path} HTTP/1.1\r\n{self._headers}{own}"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = re.search(rb"content-length: (\d+)", answer)
        if length is None:
            raise RuntimeError(f"The cell did not say how long its answer is: {answer!r}")
        content = await self._reader.readexactly(int(length[1]))
        if not answer.startswith(b"http/1.1 201"):
            raise RuntimeError(f"The cell refused: {content.decode()}")
        return content

    def close(self) -> None:
        self._writer.close()


async def _orders(port: int, code: str, progress: Progress) -> tuple[list[float], float]:
    headers, wanted = await _signed_in(port, code)
    lines = [
        _Line(*await asyncio.open_connection("127.0.0.1", port), headers)
        for _ in range(CONNECTIONS)
    ]
    progress(f"{ORDERS} quotes")
    bodies: list[bytes] = []

    async def ask_quotes(line: _Line) -> None:
        while len(bodies) < ORDERS:
            quote = json.loads(await line.post("/api/shop/quotes", wanted))["quote"]
            bodies.append(json.dumps({"quote": quote}).encode())

    await asyncio.gather(*map(ask_quotes, lines))
    progress(f"{ORDERS} orders over {CONNECTIONS} connections")
    del bodies[ORDERS:]
    took_ms: list[float] = []

    async def order(line: _Line) -> None:
        while bodies:
            body, began_s = bodies.pop(), time.perf_counter()
            await line.post("/api/shop/orders", body, f"key-{len(bodies):012}")
            took_ms.append((time.perf_counter() - began_s) * 1_000)

    began_s = time.perf_counter()
    await asyncio.gather(*map(order, lines))
    wall_s = time.perf_counter() - began_s
    for line in lines:
        line.close()
    return took_ms, wall_s


async def _signed_in(port: int, code: str) -> tuple[dict[str, str], bytes]:
    """The headers of a buyer's browser, and what it wants a quote for."""
    headers = {"host": f"shop.localhost:{port}"}
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False) as client:
        answer = await client.post("/api/session", json={"link_code": code})
        headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        client.cookies.clear()
        me = await client.get("/api/me", headers=headers)
        headers["x-csrf-token"] = me.json()["csrf_token"]
        asked = {"market": "DE", "choice": ["tow-bar", "paint-ember"]}
        car = (await client.get("/api/shop/configuration", params=asked)).json()
    return headers, json.dumps({"market": "DE", "options": car["options"]}).encode()


@contextmanager
def _postgres(progress: Progress) -> Iterator[str]:
    """A PostgreSQL server with its usual settings, so that a commit is on disk."""
    progress("starting PostgreSQL")
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.fixtures.postgres"],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with server:
        url = server.stdout.readline().strip() if server.stdout is not None else ""
        if not url:
            raise RuntimeError(f"There is no PostgreSQL to start; name one by {RECORDS_VARIABLE}.")
        yield url
        # Its input ends with this block, and the server with its input.
        server.communicate(timeout=READY_S_MAX)


@contextmanager
def _installation(directory: Path, url: str) -> Iterator[tuple[int, str]]:
    """`monocoque up` on any free port; the port, and the code of a sign-in link."""
    program, output = Path(sys.executable).with_name("monocoque"), directory / "output"
    arguments = ["--cars", "0", "--port", "0", "--data", str(directory / "data")]
    with output.open("wb") as file:
        up = subprocess.Popen(
            [program, "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=dict(os.environ) | SETTINGS | {RECORDS_VARIABLE: url},
        )
    try:
        give_up_at_s = time.perf_counter() + READY_S_MAX
        while (link := SIGN_IN.search(printed := output.read_text("utf-8", "replace"))) is None:
            if up.poll() is not None or time.perf_counter() > give_up_at_s:
                raise RuntimeError(f"The installation was not ready:\n{printed}")
            time.sleep(LOOK_S)
        yield int(link[1]), link[2]
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()


def main() -> None:
    """Print the figures as JSON."""
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
