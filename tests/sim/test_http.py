"""The real HTTP application answers on the virtual loop, over httpx's ASGI transport."""

import asyncio
from typing import Any, cast

import httpx

from monocoque.contracts.rights import Site
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.phone.accounts.service import make_sign_in_link
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context
from monocoque.roles.http import build_app
from monocoque.roles.migrations import records_in_memory
from monocoque.sim.chance import chance
from monocoque.sim.clock import MachineTime, VirtualClock
from monocoque.sim.loop import run_virtual
from monocoque.sim.machine import silent_log
from monocoque.sim.power import VirtualKeyStore

PEOPLE = 3
ROUNDS = 20


def edge_context(seed: int) -> Context:
    return Context(
        machine_id="cell",
        service_name="http",
        clock=VirtualClock(MachineTime(asyncio.get_running_loop().time)),
        random=chance(seed, "http"),
        bus=cast(Any, None),
        records=records_in_memory(chance(seed, "store")),
        keystore=VirtualKeyStore(),
        metrics=Metrics(),
        log=silent_log(),
        disk_free_bytes=lambda: 0,
        software_version="world",
        configs={HttpConfig: HttpConfig(), AccountsConfig: AccountsConfig()},
    )


async def story(seed: int) -> list[str]:
    """People sign in, look at themselves and change their settings, each at their own pace."""
    context = edge_context(seed)
    application = build_app(
        context, cars_online=lambda: asyncio.sleep(0.01, 3), pages_directory=None
    )
    log: list[str] = []
    transport = httpx.ASGITransport(app=application)

    async def person(number: int, code: str) -> None:
        pace = chance(seed, "person", str(number))
        base = "http://console.localhost:8000"
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:

            async def ask(method: str, path: str, **options: Any) -> Any:
                await asyncio.sleep(pace.expovariate(1.0))
                answer = await client.request(method, path, **options)
                now_s = asyncio.get_running_loop().time()
                log.append(f"{now_s:.6f} {number} {path} {answer.status_code} {answer.text}")
                return answer

            signed_in = await ask("POST", "/api/session", json={"link_code": code})
            assert signed_in.status_code == 204
            me = (await ask("GET", "/api/me")).json()
            for _ in range(ROUNDS):
                await ask("GET", "/api/health")
                settings = {"locale": pace.choice(["en", "zh", "de"]), "theme": "dark"}
                token = {"X-CSRF-Token": me["csrf_token"]}
                changed = await ask("PUT", "/api/me/settings", json=settings, headers=token)
                assert changed.is_success
                # All of them are the one person who looks after the fleet.
                me = (await ask("GET", "/api/me")).json()
                assert me["settings"]["theme"] == "dark"

    async with asyncio.TaskGroup() as group:
        for number in range(PEOPLE):
            code = await make_sign_in_link(
                context.records,
                context.clock,
                context.random,
                Site.CONSOLE,
                context.config(AccountsConfig),
            )
            group.create_task(person(number, code))
    return log


def test_the_application_tells_the_same_story_for_the_same_seed() -> None:
    first, second = run_virtual(story(4)), run_virtual(story(4))
    assert first == second
    assert len(first) == PEOPLE * (2 + 3 * ROUNDS)


def test_the_application_tells_another_story_for_another_seed() -> None:
    assert run_virtual(story(4)) != run_virtual(story(5))
