"""What breaks the law of the edge does not start."""

import pytest
from fastapi import APIRouter, Depends, Request

from monocoque.contracts.errors import DefectError
from monocoque.contracts.rights import READ_HEALTH
from monocoque.plumbing.http.rules import needs
from tests.fixtures.http import MakeEdge
from tests.plumbing.http_samples import sample_routes


def test_a_route_without_a_right_does_not_start(make_edge: MakeEdge) -> None:
    router = APIRouter()

    @router.get("/api/forgotten")
    async def forgotten() -> None:
        pass

    with pytest.raises(DefectError, match="/api/forgotten"):
        make_edge(router)


def test_a_synchronous_endpoint_does_not_start(make_edge: MakeEdge) -> None:
    router = APIRouter()

    @router.get("/api/threaded")
    @needs(READ_HEALTH)
    def threaded() -> None:
        pass

    with pytest.raises(DefectError, match="/api/threaded"):
        make_edge(router)


def test_a_synchronous_dependency_does_not_start(make_edge: MakeEdge) -> None:
    router = APIRouter()

    def threaded(request: Request) -> str:
        return request.method

    async def between(method: str = Depends(threaded)) -> str:
        return method

    @router.get("/api/threaded")
    @needs(READ_HEALTH)
    async def endpoint(method: str = Depends(between)) -> str:
        return method

    with pytest.raises(DefectError, match="/api/threaded"):
        make_edge(router)


def test_one_address_mounted_twice_does_not_start(make_edge: MakeEdge) -> None:
    with pytest.raises(DefectError, match="twice"):
        make_edge(sample_routes(), sample_routes())


def test_a_websocket_does_not_start(make_edge: MakeEdge) -> None:
    router = APIRouter()

    @router.websocket("/api/socket")
    async def socket() -> None:
        pass

    with pytest.raises(DefectError, match="plain route"):
        make_edge(router)
