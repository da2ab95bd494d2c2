"""What every keystore takes: names of a plain form, and secrets of a sensible size."""

import pytest

from monocoque.contracts.errors import CredentialsRefused, SettingInvalid
from monocoque.plumbing.keystore.rules import (
    SECRET_BYTES_MAX,
    checked_name,
    checked_secret,
    is_name,
)


@pytest.mark.parametrize("name", ["a", "car-key_1", "a" * 64])
def test_a_plain_name_is_taken(name):
    assert is_name(name)
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", "A", "a.b", "../a", "a/b", "a\n", "a" * 65])
def test_any_other_name_is_refused(name):
    assert not is_name(name)
    with pytest.raises(SettingInvalid):
        checked_name(name)


@pytest.mark.parametrize("size_bytes", [1, SECRET_BYTES_MAX])
def test_a_secret_has_a_sensible_size(size_bytes):
    secret = b"x" * size_bytes
    assert checked_secret("a", secret) is secret


@pytest.mark.parametrize("size_bytes", [0, SECRET_BYTES_MAX + 1])
def test_nothing_and_too_much_are_no_secrets(size_bytes):
    with pytest.raises(CredentialsRefused):
        checked_secret("a", b"x" * size_bytes)
