"""HTTP routes of hand-overs: bring a request to the factory, and see what became of it.

Left out on purpose: the code of a car. It stays in the browser that proves it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Row

from monocoque.cloud.pairing.service import Desk, find_own_car
from monocoque.contracts.identifiers import car_id as parse_car_id
from monocoque.contracts.rights import TAKE_OVER_CAR
from monocoque.plumbing.clock import moment_of
from monocoque.plumbing.http.exchange import CurrentSession
from monocoque.plumbing.http.rules import needs
from monocoque.plumbing.records.port import Records

REQUEST_CHARACTERS_MAX = 8_192


class HandOverRequest(BaseModel):
    """What the browser sends."""

    request: str = Field(
        max_length=REQUEST_CHARACTERS_MAX,
        description="a hand-over signed by the owner's new key, a compact JWS",
    )


class HandOver(BaseModel):
    """A hand-over that was asked for."""

    request_id: str = Field(description="the `jti` of the request")
    car_id: str
    state: Literal["waiting", "granted", "refused"]
    refusal_code: str | None = Field(description="why it was refused; docs/protocol/errors.md")
    grant: str | None = Field(description="the maker's grant, a compact JWS, once it was granted")
    maker_root: dict[str, str] = Field(
        description="the public JWK that is to have signed the grant; compare its thumbprint with "
        "the one in the hand-over link before you believe it"
    )
    asked_at: datetime


def routes(desk: Desk, records: Records, root: Mapping[str, str]) -> APIRouter:
    """The routes, on this desk. root: the maker root's public JWK."""
    router = APIRouter(tags=["pairing"])

    async def shown(row: Row[Any]) -> HandOver:
        grant = None
        if row.state == "granted":
            grant = (await find_own_car(records, row.car_id, row.person_id)).first_grant.decode()
        return HandOver(
            request_id=row.request_id,
            car_id=row.car_id,
            state=row.state,
            refusal_code=row.refusal_code,
            grant=grant,
            maker_root=dict(root),
            asked_at=moment_of(row.asked_us),
        )

    @router.post("/api/cars/{car_id}/hand-over", status_code=202)
    @needs(TAKE_OVER_CAR)
    async def ask_for_car(car_id: str, body: HandOverRequest, session: CurrentSession) -> HandOver:
        """Bring a request to the factory; the same request again is harmless."""
        car = parse_car_id(car_id)
        return await shown(await desk.ask(car, session.person_id, body.request.encode()))

    @router.get("/api/cars/{car_id}/hand-over/{request_id}")
    @needs(TAKE_OVER_CAR)
    async def read_hand_over(car_id: str, request_id: str, session: CurrentSession) -> HandOver:
        """What became of a request of one's own; ask again while it waits."""
        car = parse_car_id(car_id)
        return await shown(await desk.find(car, session.person_id, request_id))

    return router
