"""The guard before every route, in process: who gets in, and what everybody else is told."""

import asyncio
import json

import httpx
import pytest
from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict

from monocoque.contracts.errors import DefectError, DiskFull, MonocoqueError, all_errors
from monocoque.contracts.rights import (
    CHANGE_SELF,
    READ_FLEET,
    READ_HEALTH,
    READ_METRICS,
    READ_SELF,
    SIGN_IN,
    PersonRole,
    Site,
)
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.problems import problem_of
from monocoque.plumbing.http.rules import needs
from tests.fixtures.http import HOSTS, EdgeUnderTest, MakeEdge

SECRET = "the combination is 4711"
SESSION_ROLES = {
    Site.SHOP: PersonRole.BUYER,
    Site.PHONE: PersonRole.OWNER,
    Site.CONSOLE: PersonRole.FLEET,
}


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


@pytest.fixture
def edge(make_edge: MakeEdge) -> EdgeUnderTest:
    return make_edge(sample_routes(), failing_routes())


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


# --- sites, sessions and rights --------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "roles", "path", "status", "code"),
    [
        pytest.param(Site.PHONE, "owner", "/api/self", 200, "", id="who has the right gets in"),
        pytest.param(Site.CONSOLE, "fleet", "/api/fleet", 200, "", id="on its site"),
        pytest.param(Site.PHONE, None, "/api/self", 401, "not_signed_in", id="no session"),
        pytest.param(
            Site.CONSOLE,
            "owner",
            "/api/fleet",
            403,
            "not_allowed",
            id="a session without the right",
        ),
        pytest.param(
            Site.CONSOLE, "", "/api/fleet", 403, "not_allowed", id="a session without any role"
        ),
        pytest.param(
            Site.PHONE, "fleet", "/api/fleet", 421, "site_unknown", id="the right on another site"
        ),
        pytest.param(
            Site.DOORS, "fleet", "/api/self", 421, "site_unknown", id="no sessions on the doors"
        ),
    ],
)
async def test_the_right_decides_on_its_own_site(
    edge: EdgeUnderTest, site: Site, roles: str | None, path: str, status: int, code: str
) -> None:
    if roles is None:
        client = await edge.client(site)
    else:
        client = await edge.signed_in(site, *(PersonRole(role) for role in roles.split()))

    response = await client.get(path)

    assert response.status_code == status
    if code:
        assert_problem(response, status, code)


@pytest.mark.parametrize("home", list(SESSION_ROLES))
@pytest.mark.parametrize("other", list(SESSION_ROLES))
async def test_a_session_opens_its_own_site_and_no_other(
    edge: EdgeUnderTest, home: Site, other: Site
) -> None:
    headers = edge.headers(home, SESSION_ROLES[home]) | {"host": HOSTS[other]}
    client = await edge.client(other)

    response = await client.get("/api/self", headers=headers)

    assert response.status_code == (200 if home is other else 401)


async def test_a_stranger_s_host_name_reaches_nothing(edge: EdgeUnderTest) -> None:
    client = await edge.client(host="evil.example")

    assert_problem(await client.get("/api/open"), 421, "site_unknown")


async def test_a_machine_with_the_bearer_token_needs_no_session(edge: EdgeUnderTest) -> None:
    edge.context.keystore.write("metrics_token", b"correct-horse")
    client = await edge.client(Site.DOORS)

    for bearer, status in (
        ("Bearer correct-horse", 200),
        ("bearer correct-horse", 200),
        ("Bearer wrong-horse", 421),
        ("Bearer ", 421),
        ("Basic correct-horse", 421),
    ):
        response = await client.get("/api/machine", headers={"authorization": bearer})
        assert response.status_code == status, bearer
    assert (await client.get("/api/open", headers={"authorization": "Bearer x"})).is_success


async def test_without_a_secret_on_record_no_bearer_token_opens(edge: EdgeUnderTest) -> None:
    client = await edge.client(Site.CONSOLE)

    response = await client.get("/api/machine", headers={"authorization": "Bearer "})

    assert_problem(response, 401, "not_signed_in")


# --- changes from another site ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="the page's own request"),
        pytest.param({"origin": "http://phone.localhost"}, 200, id="from our own origin"),
        pytest.param({"sec-fetch-site": "same-origin"}, 200, id="the browser says same origin"),
        pytest.param({"x-csrf-token": ""}, 403, id="no token"),
        pytest.param({"x-csrf-token": "0" * 64}, 403, id="another token"),
        pytest.param({"x-csrf-token": "\u00e9"}, 403, id="a token of other letters"),
        pytest.param({"origin": "http://shop.localhost"}, 403, id="from a sister site"),
        pytest.param({"origin": "http://phone.localhost:9"}, 403, id="from another port"),
        pytest.param({"origin": "https://phone.localhost"}, 403, id="from another scheme"),
        pytest.param({"origin": "null"}, 403, id="from a page without an origin"),
        pytest.param({"sec-fetch-site": "same-site"}, 403, id="the browser says sister site"),
        pytest.param({"sec-fetch-site": "cross-site"}, 403, id="the browser says foreign"),
        pytest.param({"sec-fetch-site": "none"}, 403, id="typed into the address bar"),
    ],
)
async def test_a_change_comes_from_our_own_page_with_its_token(
    edge: EdgeUnderTest, headers: dict[str, str], status: int
) -> None:
    client = await edge.signed_in(Site.PHONE, PersonRole.OWNER)
    sent = dict(client.headers) | headers
    raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
    client.headers.clear()

    response = await client.put("/api/self", json={"count": 1}, headers=raw)

    assert response.status_code == status
    if status == 403:
        assert_problem(response, 403, "cross_site_refused")


async def test_another_session_s_token_changes_nothing(edge: EdgeUnderTest) -> None:
    client = await edge.signed_in(Site.PHONE, PersonRole.OWNER)
    foreign = edge.headers(Site.PHONE, PersonRole.OWNER)["x-csrf-token"]

    response = await client.put("/api/self", json={"count": 1}, headers={"x-csrf-token": foreign})

    assert_problem(response, 403, "cross_site_refused")


async def test_a_change_without_a_session_still_minds_its_origin(edge: EdgeUnderTest) -> None:
    client = await edge.client(Site.PHONE)

    own = await client.post("/api/open", json={"count": 1})
    foreign = await client.post(
        "/api/open", json={"count": 1}, headers={"origin": "http://evil.example"}
    )

    assert own.status_code == 200
    assert_problem(foreign, 403, "cross_site_refused")


async def test_a_public_name_is_its_site_over_tls(make_edge: MakeEdge) -> None:
    config = HttpConfig(public_hosts={"phone.arden.example": Site.PHONE})
    edge = make_edge(sample_routes(), config=config)
    client = await edge.client(host="phone.arden.example")
    headers = edge.headers(Site.PHONE, PersonRole.OWNER)
    headers["cookie"] = "__Host-" + headers["cookie"]
    headers["host"] = "phone.arden.example"

    own = await client.put(
        "/api/self",
        json={"count": 1},
        headers=headers | {"origin": "https://phone.arden.example"},
    )
    downgraded = await client.put(
        "/api/self", json={"count": 1}, headers=headers | {"origin": "http://phone.arden.example"}
    )

    assert own.status_code == 200
    assert own.headers["strict-transport-security"] == "max-age=31536000"
    assert_problem(downgraded, 403, "cross_site_refused")


# --- bodies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b'{"count": 1', "request_malformed", id="not closed"),
        pytest.param(b"", "request_malformed", id="empty"),
        pytest.param(b"\xff\xfe", "request_malformed", id="not UTF-8"),
        pytest.param(b'{"count": "many"}', "request_malformed", id="another type"),
        pytest.param(b'{"count": 1, "more": 1}', "request_malformed", id="a field too many"),
        pytest.param(b'{"words": []}', "request_malformed", id="a field missing"),
        pytest.param(b"[" * 30_000, "request_malformed", id="nested too deep"),
        pytest.param(b'{"a":' * 10_000, "request_malformed", id="objects nested too deep"),
        pytest.param(b'{"count": ' + b"9" * 10_000 + b"}", "request_malformed", id="a huge number"),
        pytest.param(b"NaN", "request_malformed", id="not a number"),
    ],
)
async def test_a_body_of_the_wrong_shape_is_refused(
    edge: EdgeUnderTest, body: bytes, code: str
) -> None:
    client = await edge.signed_in(Site.PHONE, PersonRole.OWNER)

    response = await client.put(
        "/api/self", content=body, headers={"content-type": "application/json"}
    )

    assert_problem(response, 422, code)


async def test_a_refused_body_is_not_repeated(edge: EdgeUnderTest) -> None:
    client = await edge.signed_in(Site.PHONE, PersonRole.OWNER)

    response = await client.put("/api/self", json={"count": SECRET})

    body = assert_problem(response, 422, "request_malformed")
    assert "count" in str(body["detail"])
    assert SECRET not in response.text


async def test_a_body_that_is_not_called_json_is_not_read_as_json(edge: EdgeUnderTest) -> None:
    client = await edge.signed_in(Site.PHONE, PersonRole.OWNER)

    response = await client.put(
        "/api/self", content=b'{"count": 1}', headers={"content-type": "text/plain"}
    )

    assert_problem(response, 422, "request_malformed")


async def _chunks(count: int, size_bytes: int):
    for _ in range(count):
        yield b"x" * size_bytes


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        pytest.param(b"x" * 101, {}, id="declared"),
        pytest.param(_chunks(11, 10), {}, id="in pieces, without a length"),
        pytest.param(_chunks(11, 10), {"content-length": "5"}, id="declared shorter than it is"),
    ],
)
async def test_a_body_over_the_route_s_own_limit_is_refused(
    edge: EdgeUnderTest, content: object, headers: dict[str, str]
) -> None:
    client = await edge.client(Site.PHONE)

    response = await client.post(
        "/api/open",
        content=content,  # type: ignore[arg-type]  # bytes or chunks
        headers={"content-type": "application/json"} | headers,
    )

    assert_problem(response, 413, "request_too_large")
    assert response.headers["connection"] == "close"


async def test_a_declared_size_counts_also_where_nobody_reads_a_body(edge: EdgeUnderTest) -> None:
    client = await edge.client()

    response = await client.request("GET", "/api/open", content=b"x" * 65_537)

    assert_problem(response, 413, "request_too_large")


async def test_a_body_of_exactly_the_limit_is_taken(edge: EdgeUnderTest) -> None:
    client = await edge.client(Site.PHONE)
    body = json.dumps({"count": 1}).ljust(100).encode()

    response = await client.post(
        "/api/open", content=body, headers={"content-type": "application/json"}
    )

    assert response.status_code == 200


async def test_nothing_of_a_body_is_read_before_the_caller_is_let_in(edge: EdgeUnderTest) -> None:
    client = await edge.client(Site.PHONE)

    was_read = False

    async def body():
        nonlocal was_read
        was_read = True
        yield b"{}"

    response = await client.put("/api/self", content=body())

    assert_problem(response, 401, "not_signed_in")
    assert not was_read


# --- rates -----------------------------------------------------------------------------------


async def test_a_session_that_asks_too_often_is_told_to_wait(make_edge: MakeEdge) -> None:
    edge = make_edge(
        sample_routes(), config=HttpConfig(session_requests_per_s=1, session_burst_requests=2)
    )
    hasty = await edge.signed_in(Site.PHONE, PersonRole.OWNER)
    other = await edge.signed_in(Site.PHONE, PersonRole.OWNER)

    statuses = [(await hasty.get("/api/self")).status_code for _ in range(3)]
    refused = await hasty.get("/api/self")

    assert statuses == [200, 200, 429]
    assert assert_problem(refused, 429, "too_many_requests")["temporary"] is True
    assert refused.headers["retry-after"] == "1"
    assert (await other.get("/api/self")).status_code == 200
    edge.clock.advance(1)
    assert (await hasty.get("/api/self")).status_code == 200


async def test_a_peer_that_asks_too_often_is_refused_whatever_it_asks_for(
    make_edge: MakeEdge,
) -> None:
    edge = make_edge(
        sample_routes(), config=HttpConfig(peer_requests_per_s=1, peer_burst_requests=2)
    )
    client = await edge.client()

    statuses = [(await client.get(path)).status_code for path in ("/api/open", "/none", "/none")]

    assert statuses == [200, 404, 429]


# --- errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/boom", "/api/wrong-answer"])
async def test_a_mistake_of_ours_says_nothing_but_its_trace(edge: EdgeUnderTest, path: str) -> None:
    client = await edge.client()

    response = await client.get(path)

    body = assert_problem(response, 500, "defect")
    assert body["may_have_happened"] is True
    assert SECRET not in response.text
    assert "Error" not in response.text
    assert "Traceback" not in response.text
    told = [fields for level, fields in edge.log_lines if level == "error"]
    assert any(fields.get("exc_info") for fields in told)
    assert all(fields["trace_id"] == body["trace_id"] for fields in told)


async def test_an_error_of_the_machine_keeps_its_words_to_the_log(edge: EdgeUnderTest) -> None:
    client = await edge.client()

    response = await client.get("/api/full")

    assert_problem(response, 507, "disk_full")
    assert SECRET not in response.text


async def test_a_route_that_takes_too_long_is_ended(edge: EdgeUnderTest) -> None:
    client = await edge.client()

    assert_problem(await client.get("/api/slow"), 504, "deadline_passed")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", "/api/none", 404, "not_found", id="an address that is not there"),
        pytest.param("GET", "/api/open/", 404, "not_found", id="a slash too many"),
        pytest.param("DELETE", "/api/open", 405, "method_not_allowed", id="another method"),
        pytest.param("BREW", "/api/fleet", 405, "method_not_allowed", id="a method of nobody"),
    ],
)
async def test_what_is_not_there_is_a_problem_too(
    edge: EdgeUnderTest, method: str, path: str, status: int, code: str
) -> None:
    client = await edge.client()

    response = await client.request(method, path)

    assert_problem(response, status, code)
    if status == 405:
        assert response.headers["allow"]


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.code)
def test_every_error_of_the_tree_becomes_a_problem(error: type[MonocoqueError]) -> None:
    problem = problem_of(error("It happened."), "trace_1")

    assert problem.code == error.code
    assert problem.status == error.http_status
    assert problem.may_have_happened is error.may_have_happened
    assert problem.temporary is error.temporary
    assert problem.hint
    assert problem.detail


async def test_every_answer_carries_the_headers_of_safety(edge: EdgeUnderTest) -> None:
    client = await edge.client()

    for path in ("/api/open", "/api/none", "/api/boom"):
        headers = (await client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert headers["x-trace-id"].startswith("trace_")
        assert "strict-transport-security" not in headers


async def test_requests_and_errors_are_counted_by_route_and_code(edge: EdgeUnderTest) -> None:
    client = await edge.client()
    await client.get("/api/open")
    await client.get("/api/boom")
    await client.get("/api/" + "x" * 50)

    text = edge.context.metrics.text().decode()

    assert 'monocoque_http_requests_total{route="/api/open",status="200"} 1.0' in text
    assert 'monocoque_http_requests_total{route="none",status="404"} 1.0' in text
    assert 'monocoque_errors_total{code="defect",where="http"} 1.0' in text
    assert "xxx" not in text


async def test_a_request_is_logged_by_its_template_and_never_by_its_address(
    edge: EdgeUnderTest,
) -> None:
    client = await edge.signed_in(Site.PHONE, PersonRole.OWNER)

    await client.get("/api/self?link_code=hidden-thing")
    await client.get("/api/hidden-thing")

    lines = [fields for _, fields in edge.log_lines if fields["event"] == "request"]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/api/self", 200),
        ("none", 404),
    ]
    assert {line["site"] for line in lines} == {"phone"}
    assert "hidden-thing" not in str(edge.log_lines)
    assert client.headers["cookie"] not in str(edge.log_lines)


# --- what does not start ---------------------------------------------------------------------


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
