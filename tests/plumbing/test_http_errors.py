"""Failures at the edge: every one a problem body, none with a detail that is not the caller's."""

import pytest

from monocoque.contracts.errors import MonocoqueError, all_errors
from monocoque.contracts.rights import PersonRole, Site
from monocoque.plumbing.config import LogConfig
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.problems import problem_of
from tests.fixtures.http import EdgeUnderTest, MakeEdge
from tests.plumbing.http_samples import SECRET, assert_problem, failing_routes, sample_routes


@pytest.fixture
def edge(make_edge: MakeEdge) -> EdgeUnderTest:
    return make_edge(sample_routes(), failing_routes())


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


async def test_a_refusal_is_one_line_that_is_shown_by_default_under_its_trace(
    edge: EdgeUnderTest,
) -> None:
    client = await edge.client(Site.PHONE)

    body = assert_problem(await client.get("/api/self"), 401, "not_signed_in")

    assert LogConfig().level == "WARNING"
    [line] = [fields for level, fields in edge.log_lines if level == "warning"]
    assert (line["event"], line["error_code"]) == ("refused", "not_signed_in")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/self", 401)
    assert line["trace_id"] == body["trace_id"]


async def test_refusals_are_written_at_a_bounded_pace_and_the_rest_is_counted(
    make_edge: MakeEdge,
) -> None:
    config = HttpConfig(refusal_lines_per_s=1.0, refusal_burst_lines=3.0)
    edge = make_edge(sample_routes(), config=config)
    client = await edge.client()

    def written() -> list[dict[str, object]]:
        return [fields for level, fields in edge.log_lines if level == "warning"]

    for _ in range(10):
        assert_problem(await client.get("/api/none"), 404, "not_found")
    assert len(written()) == 3
    edge.clock.advance(1)
    await client.get("/api/none")
    assert [line.get("left_out_before") for line in written()] == [None, None, None, 7]
