"""What scopes allow in a car."""

import pytest

from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.tokens.logic import access_of
from monocoque.contracts.signals import DataType, EntryType, Signal
from monocoque.trust.signal_tokens import Issuer, SignalToken, read_scopes

CATALOGUE = Catalogue(
    Signal(number, path, DataType.FLOAT, EntryType.ACTUATOR, "", "x")
    for number, path in enumerate(
        ("Vehicle.Speed", "Vehicle.Door.Left.IsOpen", "Vehicle.Door.Right.IsOpen"), 1
    )
)


@pytest.mark.parametrize(
    ("scope", "reads", "actuates", "provides"),
    [
        ("read", {1, 2, 3}, set(), set()),
        ("read:Vehicle.Door", {2, 3}, set(), set()),
        ("read:Vehicle.Door.*.IsOpen", {2, 3}, set(), set()),
        ("actuate:Vehicle.Speed", {1}, {1}, set()),
        ("provide:Vehicle.Door.Left", {2}, set(), {2}),
        ("read deny:read:Vehicle.Door.Left", {1, 3}, set(), set()),
        ("deny:read read", set(), set(), set()),
        ("actuate deny:actuate:Vehicle.Door", {1, 2, 3}, {1}, set()),
        ("read:Vehicle.Unknown", set(), set(), set()),
        ("create", set(), set(), set()),
    ],
)
def test_scopes_name_signals(scope, reads, actuates, provides) -> None:
    access = access_of(SignalToken("token_1", "x", read_scopes(scope), 0, 9), CATALOGUE)
    assert (access.reads, access.actuates, access.provides) == (reads, actuates, provides)
    assert (access.token_id, access.expires_us) == ("token_1", 9)
    assert (access.holder, access.issuer_id) == ("x", "")
    assert access.client == access.token_id


@pytest.mark.parametrize(
    ("scope", "most", "reads", "actuates", "provides", "creates"),
    [
        ("read actuate", "read", {1, 2, 3}, set(), set(), set()),
        ("actuate provide create", "read", {1, 2, 3}, set(), set(), set()),
        ("read", "actuate:Vehicle.Door", {2, 3}, set(), set(), set()),
        (
            "actuate",
            "read deny:read:Vehicle.Speed actuate:Vehicle.Door",
            {2, 3},
            {2, 3},
            set(),
            set(),
        ),
        ("provide", "provide:Vehicle.Door", {2, 3}, set(), {2, 3}, set()),
        ("provide:Vehicle.Door.Left", "provide:Vehicle.Door", {2}, set(), {2}, set()),
        (
            "provide create",
            "provide:Vehicle.Door create:Vehicle.Door.Left",
            {2, 3},
            set(),
            {2, 3},
            {2},
        ),
        ("create:Vehicle.Door", "create", set(), set(), set(), {2, 3}),
        ("create", "provide", set(), set(), set(), set()),
        ("provide", "provide deny:provide:Vehicle.Door", {1, 2, 3}, set(), {1}, set()),
        ("read:Vehicle.Speed", "read:Vehicle.Door", set(), set(), set(), set()),
        ("read deny:read:Vehicle.Door", "read", {1}, set(), set(), set()),
    ],
)
def test_a_token_of_another_issuer_gives_what_both_of_them_may(
    scope, most, reads, actuates, provides, creates
):
    token = SignalToken("issuer_1/a", "x", read_scopes(scope), 0, 9)
    issuer = Issuer("issuer_1", "maker", "car", read_scopes(most), ())
    access = access_of(token, CATALOGUE, issuer)
    assert (access.reads, access.actuates) == (reads, actuates)
    assert (access.provides, access.creates) == (provides, creates)
    assert (access.holder, access.issuer_id) == ("x of maker", "issuer_1")
    assert access.client == "issuer_1/x of maker"
