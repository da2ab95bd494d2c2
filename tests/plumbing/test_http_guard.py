"""The guard before every route, in process: who gets in, and what everybody else is told."""

import pytest

from monocoque.contracts.rights import PersonRole, Site
from monocoque.plumbing.http.config import HttpConfig
from tests.fixtures.http import HOSTS, EdgeUnderTest, MakeEdge
from tests.plumbing.http_samples import assert_problem, sample_routes

SESSION_ROLES = {
    Site.SHOP: PersonRole.BUYER,
    Site.PHONE: PersonRole.OWNER,
    Site.CONSOLE: PersonRole.FLEET,
}


@pytest.fixture
def edge(make_edge: MakeEdge) -> EdgeUnderTest:
    return make_edge(sample_routes())


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
