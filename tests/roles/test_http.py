"""The whole edge of a cell: health, metrics, the document, and the law on every route."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import APIRouter

from monocoque.contracts.errors import DefectError, RecordsUnavailable
from monocoque.contracts.rights import RIGHTS, Site
from monocoque.plumbing.http.problems import Problem
from monocoque.roles.http import build_app
from monocoque.roles.openapi import document
from tests.fixtures.http import CellUnderTest, SettableClock, in_process, make_context

OPERATIONS = {
    ("/api/health", "get"),
    ("/api/metrics", "get"),
    ("/api/me", "get"),
    ("/api/me/settings", "put"),
    ("/api/session", "post"),
    ("/api/session", "delete"),
    ("/api/cars", "get"),
    ("/api/cars/live", "get"),
}


@pytest.mark.parametrize("site", list(Site))
async def test_health_is_the_same_on_every_site_and_needs_no_session(
    cell: CellUnderTest, site: Site
) -> None:
    cell.cars_online = 3

    answer = await (await cell.client(site)).get("/api/health")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "cars_online": 3})


async def test_health_without_records_says_which_part_is_down(
    clients: contextlib.AsyncExitStack,
) -> None:
    async def no_records() -> int:
        raise RecordsUnavailable("The database does not answer.")

    application = build_app(
        make_context(SettableClock()), cars_online=no_records, pages_directory=None
    )
    answer = await (await in_process(clients, application, "localhost")).get("/api/health")

    assert (answer.status_code, answer.json()["code"]) == (503, "records_unavailable")
    assert answer.json()["temporary"] is True


async def test_metrics_are_for_the_console_and_for_machines_with_the_token(
    cell: CellUnderTest,
) -> None:
    cell.context.keystore.write("metrics_token", b"correct-horse")
    stranger, phone = await cell.client(Site.CONSOLE), await cell.signed_in(Site.PHONE)
    console = await cell.signed_in(Site.CONSOLE)

    assert (await stranger.get("/api/metrics")).status_code == 401
    assert (await phone.get("/api/metrics")).status_code == 421
    by_session = await console.get("/api/metrics")
    by_token = await stranger.get("/api/metrics", headers={"authorization": "Bearer correct-horse"})

    for answer in (by_session, by_token):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert "monocoque_http_requests_total" in answer.text


async def test_the_document_is_served_to_anyone(cell: CellUnderTest) -> None:
    answer = await (await cell.client(Site.DOORS)).get("/api/openapi.json")

    assert answer.status_code == 200
    assert answer.json()["paths"]["/api/me"]["get"]["x-right"] == "self.read"


def test_every_operation_tells_its_right_its_sites_and_its_limits() -> None:
    known = {right.name: right for right in RIGHTS}
    paths = document()["paths"]

    assert {(path, method) for path in paths for method in paths[path]} >= OPERATIONS
    for path, operations in paths.items():
        for method, operation in operations.items():
            right = known[operation["x-right"]]
            assert operation["x-sites"] == sorted(site.value for site in right.sites), path
            assert operation["x-roles"] == sorted(role.value for role in right.roles), path
            assert operation["x-limits"]["body_bytes_max"] > 0
            assert operation["operationId"].isidentifier()
            problem = operation["responses"]["default"]["content"]["application/problem+json"]
            assert problem["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert "422" not in operation["responses"], method


def test_the_document_knows_every_model_that_it_names() -> None:
    written = json.dumps(document())
    schemas = document()["components"]["schemas"]

    for name in written.split('"#/components/schemas/')[1:]:
        assert name.split('"')[0] in schemas
    assert set(schemas["Problem"]["properties"]) == set(Problem.model_fields)
    assert {"car", "tick"} == set(schemas["CarEvents"]["properties"])


def test_operation_names_are_unique() -> None:
    names = [
        operation["operationId"]
        for operations in document()["paths"].values()
        for operation in operations.values()
    ]

    assert len(names) == len(set(names))


def test_the_document_is_written_without_starting_anything(tmp_path: Path) -> None:
    written = subprocess.run(
        [sys.executable, "-m", "monocoque.roles.openapi"],
        cwd=tmp_path, capture_output=True, check=True, timeout=60,
    )  # fmt: skip

    assert json.loads(written.stdout) == document()
    assert list(tmp_path.iterdir()) == []


def test_every_route_of_the_cell_has_a_row_of_the_table_of_rights() -> None:
    application = build_app(make_context(SettableClock()), cars_online=_none)

    assert application.rules
    assert {rules.right for rules in application.rules.values()} <= set(RIGHTS)
    assert {"GET /api/openapi.json", "GET /{path}"} <= set(application.rules)


def test_a_room_s_route_without_a_right_keeps_the_cell_from_starting() -> None:
    router = APIRouter()

    @router.get("/api/forgotten")
    async def forgotten() -> None:
        pass

    with pytest.raises(DefectError, match="/api/forgotten"):
        build_app(make_context(SettableClock()), cars_online=_none, routers=[router])


async def _none() -> int:
    return 0
