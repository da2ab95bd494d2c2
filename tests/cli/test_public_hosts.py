"""Names on a network: a start with the setting answers to them, and to no other name."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from monocoque.contracts.errors import SiteUnknown
from tests.e2e.installation import START_S_MAX, Installation

PUBLIC = "console.arden.example"


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A cell without cars that has one public name."""
    installation = Installation(tmp_path_factory.mktemp("public"), 0)
    installation.data.mkdir()
    settings = f'[http.public_hosts]\n"{PUBLIC}" = "console"\n'
    (installation.data / "monocoque.toml").write_text(settings)
    installation.start()
    yield installation
    assert installation.stop() == 0


def asked(cell: Installation, host: str, method: str, path: str, **body: Any) -> httpx.Response:
    """What the cell answers when a proxy passes on a request for this name."""
    address = f"http://127.0.0.1:{cell.port}{path}"
    return httpx.request(method, address, headers={"Host": host}, timeout=START_S_MAX, **body)


def test_a_public_name_opens_its_site_for_a_signed_in_person(cell: Installation) -> None:
    code = cell.sign_in_link("console").partition("#")[2]
    answer = asked(cell, PUBLIC, "POST", "/api/session", json={"link_code": code})
    assert answer.status_code == 204, answer.text
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-monocoque_session=")
    assert "; Secure" in cookie
    assert "strict-transport-security" in answer.headers


@pytest.mark.parametrize("host", ["shop.arden.example", "arden.example", f"{PUBLIC}.evil.example"])
def test_a_name_that_no_setting_names_is_nobodys_site(cell: Installation, host: str) -> None:
    answer = asked(cell, host, "GET", "/")
    assert (answer.status_code, answer.json()["code"]) == (421, SiteUnknown.code)
