"""How long a command takes: from the phone's signature to the car's receipt, verified.

A fresh installation with one car on loopback: HTTP, nats-server, the cell and the car in processes
of their own, records on disk. A phone in Python takes the car over and asks ``COMMANDS`` times, one
after the other, for another limit of the charge, which the body takes at once: no part moves. It
hears of the answer as the pages do, by server-sent events. It speaks HTTP by hand (``Line``), since
a client for every purpose takes longer over a request than the cell. Figures:

* ``p50_ms``, ``p99_ms``: from before the signature until the receipt was found right;
* ``hand_in_p50_ms``: of that, until the cell had the command on record and said so;
* ``verify_ms``: what a car needs to check the grants, the command and its sealed arguments.

Limits of pace are raised for the phone; those of the bus are not, so commands begin no faster than
one in ``PACE_S``.
"""

import asyncio
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

import httpx
import uvloop

from monocoque.contracts import identifiers
from monocoque.trust.commands import CommandRequest, judge, open_envelope, sign_command
from monocoque.trust.grants import CarKeys, car_keys, read_chain, sign_root_grant
from monocoque.trust.hand_over import sign_hand_over
from monocoque.trust.keys import PrivateKey, SystemKeyMaker, thumbprint
from monocoque.trust.receipts import answers, verify_receipt
from monocoque.trust.sealing import SystemEncrypter

COMMANDS = 1_000
CHECKS = 500
PACE_S = 0.05
READY_S_MAX = 60.0
ANSWER_S_MAX = 30.0
STOP_S_MAX = 20.0
LOOK_S = 0.05
LIFETIME_S = 600
PERCENTS = range(50, 101)
SETTINGS = {
    "MONOCOQUE_COMMANDS_COMMANDS_PER_MINUTE_MAX": "30000",
    "MONOCOQUE_CAR_COMMANDS_PER_KEY_PER_MINUTE_MAX": "30000",
}
LINK = re.compile(r"http://phone\.localhost:\d+/hand-over#(\S+)\.(\S+)\.(\S+)")
SIGN_IN = re.compile(r"http://phone\.localhost:(\d+)/sign-in#(\S+)")

Progress = Callable[[str], object]


@dataclass
class Phone:
    """An owner's key, and what it was granted."""

    port: int
    headers: dict[str, str]
    key: PrivateKey
    car_id: str
    root: dict[str, str]
    grant: bytes
    keys: CarKeys
    epoch: str = ""
    counter: int = 0

    def sign(self) -> tuple[str, bytes]:
        """A new command: its identifier and the document."""
        self.counter += 1
        command_id = _new_id("command")
        now_s = int(time.time())
        request = CommandRequest(
            command_id=command_id,
            car_id=self.car_id,
            epoch=self.epoch,
            counter=self.counter,
            scope="charge_limit",
            arguments={"percent": PERCENTS[self.counter % len(PERCENTS)]},
            issued_s=now_s,
            deadline_s=now_s + LIFETIME_S,
        )
        return command_id, sign_command(request, self.keys.seal, self.key, SystemEncrypter())


def measure(progress: Progress) -> dict[str, float | int]:
    """Run it and return the figures; progress is told what is being done."""
    progress(f"checking a command {CHECKS} times")
    verify_ms = _verify_ms()
    with tempfile.TemporaryDirectory(prefix="monocoque-bench-") as directory:
        progress("starting an installation with one car")
        with (
            _installation(Path(directory)) as printed,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            total_ms, hand_in_ms = runner.run(_commands(printed, progress))
    return {
        "commands": len(total_ms),
        "p50_ms": round(statistics.median(total_ms), 2),
        "p99_ms": round(statistics.quantiles(total_ms, n=100)[98], 2),
        "hand_in_p50_ms": round(statistics.median(hand_in_ms), 2),
        "verify_ms": verify_ms,
    }


def _verify_ms() -> float:
    """The middle of many: grants and command, as a car checks them."""
    make = SystemKeyMaker().make
    root, owner, own, seal = (make("ES256") for _ in range(4))
    car_id, now_s = _new_id("car"), int(time.time())
    keys = CarKeys(sign=own.public_jwk, seal=seal.public_jwk)
    grant = sign_root_grant(root, _new_id("grant"), car_id, owner.public_jwk, keys, now_s)
    phone = Phone(0, {}, owner, car_id, dict(root.public_jwk), grant, keys, epoch="epoch")
    _, document = phone.sign()
    took_ms = []
    for _ in range(CHECKS):
        began_s = time.perf_counter()
        command = open_envelope(document, [grant], phone.root, car_id)
        reason = judge(command, now_s * 1_000_000, lambda _grant_id: False)
        took_ms.append((time.perf_counter() - began_s) * 1_000)
        if reason is not None:
            raise RuntimeError(f"The command was not taken: {reason}.")
    return round(statistics.median(took_ms), 3)


async def _commands(printed: str, progress: Progress) -> tuple[list[float], list[float]]:
    async with _phone(printed) as phone:
        total_ms, hand_in_ms = [], []
        async with _events(phone) as heard, _line(phone) as line:
            progress(f"{COMMANDS} commands, one after the other")
            for _ in range(COMMANDS):
                began_s = time.perf_counter()
                command_id, document = phone.sign()
                await _hand_in(line, phone, document)
                hand_in_ms.append((time.perf_counter() - began_s) * 1_000)
                async with asyncio.timeout(ANSWER_S_MAX):
                    answer = await _answer_to(command_id, heard)
                receipt = verify_receipt(answer["receipt"].encode(), phone.car_id, phone.keys.sign)
                is_right = answers(receipt, command_id, phone.key.key_id, document)
                total_ms.append((time.perf_counter() - began_s) * 1_000)
                if not is_right or receipt.answer.outcome != "done":
                    raise RuntimeError(f"A command was not done: {answer['state']}.")
                await asyncio.sleep(max(0.0, began_s + PACE_S - time.perf_counter()))
        return total_ms, hand_in_ms


async def _hand_in(line: "Line", phone: Phone, document: bytes) -> None:
    body = {"command": document.decode(), "grants": [phone.grant.decode()]}
    path = f"/api/cars/{phone.car_id}/commands"
    line.ask("POST", path, json.dumps(body).encode())
    status, headers = await line.head()
    answer = await line.reader.readexactly(int(headers["content-length"]))
    if status != 202:
        raise RuntimeError(f"The cell refused a command: {answer.decode()}")


class Line:
    """One connection that is kept, as a browser keeps it, with the headers of the phone."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, headers: dict[str, str]
    ) -> None:
        """Headers: what every request brings."""
        self.reader = reader
        self._writer = writer
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    def ask(self, method: str, path: str, body: bytes = b"") -> None:
        """Send a request; a body is JSON."""
        length = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        head = f"{method} {path} HTTP/1.1\r\n{self._headers}{length if body else ''}\r\n"
        self._writer.write(head.encode() + body)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the answer."""
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [line.partition(": ") for line in lines[1:] if line]
        return int(lines[0].split(" ")[1]), {name.lower(): value for name, _, value in pairs}


@contextlib.asynccontextmanager
async def _line(phone: Phone) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", phone.port)
    try:
        yield Line(reader, writer, phone.headers)
    finally:
        writer.close()


async def _answer_to(command_id: str, heard: "asyncio.Queue[dict[str, Any]]") -> dict[str, Any]:
    while True:
        command = await heard.get()
        if command["command_id"] == command_id and command["receipt"] is not None:
            return command


@contextlib.asynccontextmanager
async def _events(phone: Phone) -> AsyncIterator["asyncio.Queue[dict[str, Any]]"]:
    """What the live stream says of commands."""
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    is_open = asyncio.Event()

    async def read() -> None:
        async with _line(phone) as line:
            line.ask("GET", f"/api/cars/{phone.car_id}/commands/live")
            status, _ = await line.head()
            if status != 200:
                raise RuntimeError(f"The cell refused to tell of commands: {status}.")
            is_open.set()
            while length := int(await line.reader.readline(), 16):  # chunked (RFC 9112, 7.1)
                event = (await line.reader.readexactly(length + 2)).decode()
                if event.startswith("event: command\ndata: "):  # the cell writes each at once
                    heard.put_nowait(json.loads(event.partition("data: ")[2]))

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        async with asyncio.timeout(ANSWER_S_MAX):
            await is_open.wait()
        yield heard
        reading.cancel()


@contextlib.asynccontextmanager
async def _phone(printed: str) -> AsyncIterator[Phone]:
    """A phone that is signed in and has taken the car over."""
    link, sign_in = LINK.search(printed), SIGN_IN.search(printed)
    if link is None or sign_in is None:
        raise RuntimeError(f"The installation printed no links:\n{printed}")
    (car_id, code, root_id), (port, sign_in_code) = link.groups(), sign_in.groups()
    headers = {"host": f"phone.localhost:{port}"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
        answer = await client.post("/api/session", json={"link_code": sign_in_code})
        client.cookies.clear()
        client.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]
        client.headers["x-csrf-token"] = (await client.get("/api/me")).json()["csrf_token"]
        key = SystemKeyMaker().make("ES256")
        request = sign_hand_over(key, car_id, code, _new_id("message"), int(time.time()))
        granted = await _until(
            lambda: client.post(
                f"/api/cars/{car_id}/hand-over", json={"request": request.decode()}
            ),
            lambda found: found["state"] == "granted",
        )
        root, grant = granted["maker_root"], granted["grant"].encode()
        if thumbprint(root) != root_id:
            raise RuntimeError("The cell brought another maker's root than the paper names.")
        keys = car_keys(read_chain([grant], root, car_id)[0])
        own = await _until(
            lambda: client.get(f"/api/own-cars/{car_id}"),
            lambda found: found["online"] and found["body"] is not None,
        )
        names = ("host", "cookie", "x-csrf-token")
        headers = {name: client.headers[name] for name in names}
        yield Phone(int(port), headers, key, car_id, root, grant, keys, epoch=own["body"]["epoch"])


async def _until(ask: Callable[[], Any], is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(ANSWER_S_MAX):
        while True:
            found: dict[str, Any] = (await ask()).json()
            if is_so(found):
                return found
            await asyncio.sleep(LOOK_S)


@contextmanager
def _installation(directory: Path) -> Iterator[str]:
    """`monocoque up` on any free port, and what it prints; ended as by Ctrl-C."""
    program, output = Path(sys.executable).with_name("monocoque"), directory / "output"
    arguments = ["--cars", "1", "--port", "0", "--data", str(directory / "data")]
    with output.open("wb") as file:
        up = subprocess.Popen(
            [program, "up", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=dict(os.environ) | SETTINGS,
        )
    try:
        give_up_at_s = time.perf_counter() + READY_S_MAX
        while SIGN_IN.search(printed := output.read_text("utf-8", "replace")) is None:
            if up.poll() is not None or time.perf_counter() > give_up_at_s:
                raise RuntimeError(f"The installation was not ready:\n{printed}")
            time.sleep(LOOK_S)
        while LINK.search(printed) is None:
            # The cell was ready before the car had left the line.
            if up.poll() is not None or time.perf_counter() > give_up_at_s:
                raise RuntimeError(f"The car had no paper:\n{printed}")
            time.sleep(LOOK_S)
            printed += _paper(program, directory / "data")
        yield printed
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()


def _paper(program: Path, data: Path) -> str:
    """What `monocoque car hand-over` prints of the one car, once it has left the line."""
    cars = [each.name for each in (data / "cars").glob("car_*")]
    command = [str(program), "car", "hand-over", "--data", str(data), *cars]
    return subprocess.run(command, capture_output=True, check=False, text=True).stdout


def _new_id(prefix: str) -> str:
    return identifiers.make(prefix, SystemRandom().getrandbits)


def main() -> None:
    """Print the figures as JSON."""
    figures = measure(lambda what: sys.stderr.write(f"{what}\n"))
    sys.stdout.write(f"{json.dumps(figures)}\n")


if __name__ == "__main__":
    main()
