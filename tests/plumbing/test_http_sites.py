"""The Host header chooses the site, and nothing else does."""

from pathlib import Path

import pytest

from monocoque.contracts.errors import SiteUnknown
from monocoque.contracts.rights import Site
from monocoque.plumbing.http.sessions import csrf_token, set_cookie, token_in
from monocoque.plumbing.http.sites import find_place

PUBLIC = {"console.arden.example": Site.CONSOLE}
TOKEN = "a" * 43


@pytest.mark.parametrize(
    ("host", "site"),
    [
        pytest.param("localhost", Site.DOORS, id="the bare host is the page of doors"),
        pytest.param("localhost:8000", Site.DOORS, id="any port will do"),
        pytest.param("127.0.0.1:1", Site.DOORS, id="the loopback address too"),
        pytest.param("[::1]:8000", Site.DOORS, id="and its newer sister"),
        pytest.param("shop.localhost:8000", Site.SHOP, id="the shop"),
        pytest.param("phone.localhost", Site.PHONE, id="the phone"),
        pytest.param("Console.LocalHost:8000", Site.CONSOLE, id="names have no capitals"),
        pytest.param("console.arden.example", Site.CONSOLE, id="a public name from the settings"),
    ],
)
def test_a_host_opens_its_site(host: str, site: Site) -> None:
    assert find_place([host.encode()], PUBLIC).site is site


@pytest.mark.parametrize(
    "hosts",
    [
        pytest.param([], id="no host"),
        pytest.param([b"localhost", b"localhost"], id="two hosts, though equal"),
        pytest.param([b""], id="an empty host"),
        pytest.param([b"evil.example"], id="a stranger's name that points here"),
        pytest.param([b"localhost.evil.example"], id="our name inside another"),
        pytest.param([b"evil.localhost"], id="a site that is not there"),
        pytest.param([b"phone.localhost."], id="a dot at the end"),
        pytest.param([b"phone.localhost:80:80"], id="two ports"),
        pytest.param([b"phone.localhost:port"], id="a port of letters"),
        pytest.param([b"user@phone.localhost"], id="a user in the host"),
        pytest.param([b"phone.localhost\n"], id="a line's end"),
        pytest.param([b"127.0.0.2"], id="another address"),
        pytest.param(["phone.localhost\u00e9".encode("latin-1")], id="a letter beyond ASCII"),
    ],
)
def test_every_other_host_is_refused(hosts: list[bytes]) -> None:
    with pytest.raises(SiteUnknown):
        find_place(hosts, PUBLIC)


def test_a_cookie_of_a_public_name_travels_over_tls_alone_and_one_of_loopback_cannot() -> None:
    public = find_place([b"console.arden.example"], PUBLIC)
    loopback = find_place([b"console.localhost:8000"], PUBLIC)

    assert set_cookie(public, TOKEN, 60) == (
        f"__Host-monocoque_session={TOKEN}; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure"
    )
    assert set_cookie(loopback, TOKEN, 60) == (
        f"monocoque_session={TOKEN}; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
    )
    assert public.origin == "https://console.arden.example"
    assert loopback.origin == "http://console.localhost:8000"


@pytest.mark.parametrize(
    ("cookies", "token"),
    [
        pytest.param([], None, id="no cookie"),
        pytest.param([f"monocoque_session={TOKEN}".encode()], TOKEN, id="alone"),
        pytest.param([f"a=b; monocoque_session={TOKEN}".encode()], TOKEN, id="among others"),
        pytest.param([b"monocoque_session=short"], None, id="not of the form of a token"),
        pytest.param(
            [f"monocoque_session={TOKEN}; monocoque_session={'b' * 43}".encode()],
            None,
            id="two that differ are none",
        ),
        pytest.param([f"__Host-monocoque_session={TOKEN}".encode()], None, id="another's name"),
    ],
)
def test_the_session_token_is_found_among_the_cookies(
    cookies: list[bytes], token: str | None
) -> None:
    assert token_in(find_place([b"localhost"], {}), cookies) == token


def test_the_worked_token_of_the_specification_is_ours() -> None:
    page = Path(__file__).parents[2] / "docs" / "protocol" / "http.md"

    assert f"\n    {csrf_token('A' * 43)}\n" in page.read_text(encoding="utf-8")
