"""HTTP in a world: the cell's real application, behind paths that fail.

Rules:

* the application is production's (roles/serving.py), asked in process;
* it is a part of the cell with lives of its own, like a service: each life has connections, rates
  and an application of its own, and requests run in the life that took them;
* who asks while nobody serves gets ConnectError: nothing happened. A request whose life, or whose
  path, ends before the answer is there gets ReadError: it may have happened;
* on the way a message is late, lost before it was taken, or its answer is lost; it never comes
  twice, since a connection of HTTP repeats nothing by itself.

Left out on purpose: sockets, pages, and live streams, which cannot be read in process; whoever
would watch one asks again and again.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import httpx
from fastapi.dependencies import models as dependency_models
from starlette.types import ASGIApp

from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.cloud.twin.config import TwinConfig
from monocoque.contracts.topics import Role
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context
from monocoque.roles.cell_settings import HTTP
from monocoque.roles.serving import HTTP_ROLES, build_cell_app
from monocoque.roles.table import MachineKind, ServiceRow
from monocoque.sim.asgi import answer_of
from monocoque.sim.network import Fate, Path
from monocoque.sim.power import LIVING, Life

PORT: Final = 8000
ADDRESS: Final = f"http://localhost:{PORT}"
PHONE_ADDRESS: Final = f"http://phone.localhost:{PORT}"


@dataclass(frozen=True)
class _Serving:
    """One life of HTTP."""

    life: Life
    application: ASGIApp
    group: asyncio.TaskGroup
    inside: contextvars.Context


class Door:
    """Where a world's cell is asked."""

    def __init__(self, connect: Callable[[Role], Bus], issue: Callable[[str, str], str]) -> None:
        """connect: gives the present life a connection. issue: see ``build_cell_app``."""
        self.requests = 0
        """How many reached an application."""
        self._connect = connect
        self._issue = issue
        self._serving: _Serving | None = None

    def row(self) -> ServiceRow:
        """HTTP as a part of the cell; it connects as more than the one role that is said here."""
        return ServiceRow(
            name=HTTP,
            machine=MachineKind.CELL,
            role=Role.CONSOLE,
            run=self.run,
            configs=(
                HttpConfig,
                AccountsConfig,
                RegistryConfig,
                PairingConfig,
                TwinConfig,
                MailboxConfig,
                ReleasesConfig,
            ),
            purpose="Answers people and cars.",
        )

    async def run(self, context: Context) -> None:
        """Answer requests until cancelled."""
        life = LIVING.get()
        assert life is not None
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(_forget_applications)
            buses: dict[Role, Bus] = {}
            for role in HTTP_ROLES:
                buses[role] = self._connect(role)
                stack.push_async_callback(buses[role].close)
            own = replace(context, metrics=Metrics(context.clock))  # as a process of its own has
            application = build_cell_app(own, buses, self._issue, pages_directory=None)
            async with asyncio.TaskGroup() as group:
                inside = contextvars.copy_context()
                self._serving = _Serving(life, application, group, inside)
                await life.until_over()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """The answer of the present life; raises ConnectError or ReadError."""
        serving = self._serving
        if serving is None or serving.life.is_over:
            raise httpx.ConnectError("Nobody listens at the cell's door.")
        self.requests += 1
        asked: asyncio.Future[httpx.Response] = asyncio.get_running_loop().create_future()
        task = serving.group.create_task(
            _respond(serving, request, asked), context=serving.inside.copy()
        )

        def end(_task: asyncio.Task[None]) -> None:
            if not asked.done():
                asked.set_exception(httpx.ReadError("The cell's door closed before it answered."))

        task.add_done_callback(end)
        return await asked


def _forget_applications() -> None:
    """Let the application of a life that is over go.

    FastAPI remembers thousands of functions by what they are, and with those of an application all
    that it holds: its whole world.
    """
    for remembered in vars(dependency_models).values():
        if hasattr(remembered, "cache_clear"):
            remembered.cache_clear()


async def _respond(
    serving: _Serving, request: httpx.Request, asked: asyncio.Future[httpx.Response]
) -> None:
    try:
        answer = await answer_of(serving.application, request)
    # An answer that had begun and failed was cut off; one failing request disturbs no other.
    except Exception as error:  # noqa: BLE001
        if not asked.done() and not serving.life.is_over:
            asked.set_exception(httpx.ReadError(f"The answer was cut off: {error}"))
        return
    # What the dead still say, nobody hears: ``answer`` tells the asker that the door closed.
    if not asked.done() and not serving.life.is_over:
        asked.set_result(answer)


class Way(httpx.AsyncBaseTransport):
    """A client's way to the door, over a path."""

    def __init__(self, door: Door, path: Path) -> None:
        self._door = door
        self._path = path

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx; as bad as the path is."""
        path = self._path
        if not path.is_whole:
            raise httpx.ConnectError("The path to the cell is cut.")
        cuts, fate = path.cuts, path.fate()
        await asyncio.sleep(path.delay_s())
        if fate is Fate.LOST:
            raise httpx.ConnectError("The request was lost on the way.")
        if fate is Fate.UNKNOWN_LOST or path.cuts != cuts:
            raise httpx.ReadError("The request was lost, and nobody says so.")
        answer = await self._door.answer(request)
        await asyncio.sleep(path.delay_s())
        if fate is Fate.UNKNOWN or path.cuts != cuts:
            raise httpx.ReadError("The answer was lost on the way.")
        return answer
