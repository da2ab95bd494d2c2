"""The release log that the build wrote is true of the phone site in this installation."""

import json

from monocoque import __version__
from monocoque.contracts.documents import PHONE_RELEASE
from monocoque.plumbing.clock import SystemClock
from monocoque.roles.http import PAGES_DIRECTORY
from monocoque.roles.release_log import KEY_NAME, check_phone_release, read_release_log


def test_every_entry_is_signed_and_names_the_one_before() -> None:
    for entry in read_release_log(PAGES_DIRECTORY, SystemClock().now_us()):
        assert entry.claims.keys() == PHONE_RELEASE.claims
        assert entry.text("iss") == "build"


def test_the_last_entry_is_the_bundle_that_is_installed() -> None:
    assert check_phone_release(PAGES_DIRECTORY, __version__, SystemClock().now_us())


def test_the_key_beside_the_log_is_public_alone() -> None:
    key = json.loads((PAGES_DIRECTORY / KEY_NAME).read_text("utf-8"))
    assert key.keys() == {"kty", "crv", "x", "kid", "alg", "use"}
