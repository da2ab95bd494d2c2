"""Routes and checks that the tests of the edge share."""

import asyncio

import httpx
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from monocoque.contracts.errors import DiskFull
from monocoque.contracts.rights import (
    CHANGE_SELF,
    READ_FLEET,
    READ_HEALTH,
    READ_METRICS,
    READ_SELF,
    SIGN_IN,
)
from monocoque.plumbing.http.rules import needs

SECRET = "the combination is 4711"


class Wish(BaseModel):
    """A body with a shape."""

    model_config = ConfigDict(extra="forbid")

    count: int
    words: list[str] = []


def sample_routes() -> APIRouter:
    router = APIRouter()

    @router.get("/api/open")
    @needs(READ_HEALTH)
    async def read_open() -> dict[str, str]:
        return {"is": "open"}

    @router.get("/api/self")
    @needs(READ_SELF)
    async def read_self() -> dict[str, str]:
        return {"is": "mine"}

    @router.put("/api/self")
    @needs(CHANGE_SELF)
    async def change_self(wish: Wish) -> Wish:
        return wish

    @router.get("/api/fleet")
    @needs(READ_FLEET)
    async def read_fleet() -> dict[str, str]:
        return {"is": "everybody's"}

    @router.post("/api/open")
    @needs(SIGN_IN, body_bytes_max=100)
    async def change_open(wish: Wish) -> Wish:
        return wish

    @router.get("/api/machine")
    @needs(READ_METRICS, bearer_secret="metrics_token")
    async def read_machine() -> dict[str, str]:
        return {"is": "for machines"}

    return router


def failing_routes() -> APIRouter:
    router = APIRouter()

    @router.get("/api/boom")
    @needs(READ_HEALTH)
    async def boom() -> None:
        raise RuntimeError(SECRET)

    @router.get("/api/full")
    @needs(READ_HEALTH)
    async def full() -> None:
        raise DiskFull(f"no room in /home/{SECRET}", hint=SECRET)

    @router.get("/api/wrong-answer")
    @needs(READ_HEALTH)
    async def wrong_answer() -> Wish:
        return {"count": SECRET}  # type: ignore[return-value]  # the mistake that is tested

    @router.get("/api/slow")
    @needs(READ_HEALTH, answer_s_max=0.02)
    async def slow() -> None:
        await asyncio.Event().wait()

    return router


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, object]:
    """The answer is a problem body of that code, whole and without a page's powers."""
    body: dict[str, object] = response.json()
    assert (response.status_code, body["code"]) == (status, code)
    assert response.headers["content-type"] == "application/problem+json"
    assert set(body) == {
        "type", "title", "status", "detail", "code", "may_have_happened", "temporary", "hint",
        "trace_id",
    }  # fmt: skip
    assert body["status"] == status
    assert body["trace_id"] == response.headers["x-trace-id"]
    return body
