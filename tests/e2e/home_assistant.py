"""A real Home Assistant beside an installation: its own environment, process and API.

Rules: it is installed from requirements/homeassistant.txt and nothing else, and fetches nothing
when it runs; it listens on loopback; what a person would click is asked of its REST API.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from tests.fixtures import environments
from tests.fixtures.ports import reserved_port

START_S_MAX = 120.0
STOP_S_MAX = 30.0
CLIENT_ID = "http://127.0.0.1/"
SETTINGS = """
homeassistant:
  name: Proof
  latitude: 52.52
  longitude: 13.405
  elevation: 30
  unit_system: metric
  time_zone: UTC
  country: DE
  language: en
  currency: EUR
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
config:
onboarding:
"""


def environment() -> Path:
    """The folder of its programs; installed at the first call, and kept for these very pins."""
    return environments.programs_of("homeassistant")


class HomeAssistant:
    """One that runs, with somebody signed in."""

    def __init__(self, programs: Path, directory: Path) -> None:
        self._programs = programs
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""
        self.port = reserved_port()

    async def start(self) -> None:
        """Start, and return when its API answers."""
        process = self._process = self._spawn()
        async with asyncio.timeout(START_S_MAX), self._client() as client:
            while True:
                assert process.poll() is None, self.printed()
                with contextlib.suppress(httpx.TransportError):
                    answer = await client.get("/api/onboarding")
                    if answer.status_code in (200, 404):
                        return
                await asyncio.sleep(0.1)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        self._directory.mkdir(exist_ok=True)
        settings = self._directory / "configuration.yaml"
        settings.write_text(SETTINGS.format(port=self.port))
        with (self._directory / "output").open("ab") as output:
            return subprocess.Popen(
                [self._programs / "hass", "--config", self._directory, "--skip-pip"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env={
                    "PATH": f"{self._programs}:{os.environ['PATH']}",
                    "HOME": str(self._directory),
                },
            )

    async def stop(self) -> None:
        """End it, as its service manager would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(self._process.wait, STOP_S_MAX)

    async def sign_in(self) -> None:
        """The first person is made, and signed in."""
        person = {
            "client_id": CLIENT_ID,
            "name": "Owner",
            "username": "owner",
            "password": "a password for a proof",
            "language": "en",
        }
        made = await self.ask("POST", "/api/onboarding/users", json=person)
        form = {
            "client_id": CLIENT_ID,
            "grant_type": "authorization_code",
            "code": made["auth_code"],
        }
        self._token = (await self.ask("POST", "/auth/token", data=form))["access_token"]

    async def add_mqtt(self, broker: str, port: int, user: str, password: str) -> None:
        """What a person types into its dialogue for MQTT."""
        flows = "/api/config/config_entries/flow"
        begun = await self.ask("POST", flows, json={"handler": "mqtt"})
        typed = {"broker": broker, "port": port, "username": user, "password": password}
        done = await self.ask("POST", f"{flows}/{begun['flow_id']}", json=typed)
        assert done["type"] == "create_entry", done

    async def states(self) -> dict[str, dict[str, Any]]:
        """Every entity, by its identifier."""
        found = await self.ask("GET", "/api/states")
        return {one["entity_id"]: one for one in found}

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        """What its API answers; a refusal fails."""
        async with self._client() as client:
            answer = await client.request(method, path, **body)
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()

    async def opens_nothing(self, entity_id: str) -> bool:
        """Whether it has no way to open this: no such service, or one that this is none of."""
        async with self._client() as client:
            path, body = "/api/services/lock/unlock", {"entity_id": entity_id}
            answer = await client.post(path, json=body)
        return answer.status_code == 400 or (answer.is_success and answer.json() == [])

    def printed(self) -> str:
        """What it has said."""
        return (self._directory / "output").read_text("utf-8", "replace")

    def _client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        address = f"http://127.0.0.1:{self.port}"
        return httpx.AsyncClient(base_url=address, headers=headers, timeout=30)


@contextlib.asynccontextmanager
async def home_assistant(directory: Path) -> AsyncIterator[HomeAssistant]:
    """One that runs until the end of the block."""
    one = HomeAssistant(environment(), directory)
    try:
        await one.start()
        yield one
    finally:
        await one.stop()
