"""The table of rights: what no row allows is forbidden."""

import itertools

import pytest

from monocoque.contracts import rights
from monocoque.contracts.rights import RIGHTS, PersonRole, Site, allows

EVERY_ROLE_SET = [
    frozenset(roles)
    for count in range(len(PersonRole) + 1)
    for roles in itertools.combinations(PersonRole, count)
]


@pytest.mark.parametrize("right", RIGHTS, ids=lambda right: right.name)
def test_a_right_is_held_by_its_roles_on_its_sites_and_nowhere_else(right):
    for site, roles in itertools.product(Site, EVERY_ROLE_SET):
        expected = site in right.sites and (right.roles == frozenset() or right.roles & roles)
        assert allows(right, roles, site) == bool(expected)


def test_names_are_unique_and_every_row_says_why():
    assert len({right.name for right in RIGHTS}) == len(RIGHTS)
    assert all(right.purpose.endswith(".") and right.sites for right in RIGHTS)


def test_every_right_of_the_module_is_in_the_table():
    declared = {value for value in vars(rights).values() if isinstance(value, rights.Right)}
    assert declared == set(RIGHTS)


def test_few_rights_are_for_anyone():
    assert {right.name for right in RIGHTS if right.is_for_anyone} == {
        "health.read",
        "pages.read",
        "session.open",
        "car.enrol",
        "shop.configure",
        "payment.tell",
        "updates.fetch",
    }


@pytest.mark.parametrize("role", [PersonRole.BUYER, PersonRole.OWNER, PersonRole.DRIVER])
def test_a_customer_does_not_see_the_fleet(role):
    assert not allows(rights.READ_FLEET, frozenset({role}), Site.CONSOLE)
    assert not allows(rights.READ_METRICS, frozenset({role}), Site.CONSOLE)
