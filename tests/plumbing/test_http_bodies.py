"""Bodies at the edge: their shape and size, and that nobody reads one who was not let in."""

import json

import pytest

from monocoque.contracts.rights import PersonRole, Site
from tests.fixtures.http import EdgeUnderTest, MakeEdge
from tests.plumbing.http_samples import SECRET, assert_problem, sample_routes


@pytest.fixture
def edge(make_edge: MakeEdge) -> EdgeUnderTest:
    return make_edge(sample_routes())


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
