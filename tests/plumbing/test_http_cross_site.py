"""A change comes from our own page, with the token of its session, or it is refused."""

import pytest

from monocoque.contracts.errors import CrossSiteRefused
from monocoque.contracts.rights import Site
from monocoque.plumbing.http.cross_site import CSRF_HEADER, check_origin, check_token
from monocoque.plumbing.http.sessions import csrf_token
from monocoque.plumbing.http.sites import Place

PLACE = Place(Site.SHOP, "shop.localhost:8000", is_public=False)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no browser"),
        pytest.param({"sec-fetch-site": "same-origin"}, id="our page"),
        pytest.param({"origin": "http://shop.localhost:8000"}, id="an older browser"),
        pytest.param({"origin": "HTTP://Shop.LocalHost:8000"}, id="names have no capitals"),
    ],
)
def test_our_own_origin_may_change_things(headers):
    check_origin(PLACE, headers)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"sec-fetch-site": "same-site"}, id="another site of ours"),
        pytest.param({"sec-fetch-site": "cross-site"}, id="a foreign page"),
        pytest.param({"sec-fetch-site": ""}, id="an empty word"),
        pytest.param({"origin": "null"}, id="a page without an origin"),
        pytest.param({"origin": "http://shop.localhost:8001"}, id="another port"),
        pytest.param({"origin": "https://shop.localhost:8000"}, id="another scheme"),
        pytest.param(
            {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
            id="two headers that differ",
        ),
    ],
)
def test_another_origin_is_refused(headers):
    with pytest.raises(CrossSiteRefused):
        check_origin(PLACE, headers)


def test_the_token_of_the_session_is_taken():
    check_token("a" * 43, {CSRF_HEADER: csrf_token("a" * 43)})


@pytest.mark.parametrize("given", [None, "", "a" * 43, csrf_token("b" * 43), "\u4f60"])
def test_any_other_token_is_refused(given):
    with pytest.raises(CrossSiteRefused):
        check_token("a" * 43, {} if given is None else {CSRF_HEADER: given})
