"""Who counts on which site, and how long a session lives."""

from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.rights import PersonRole, Site
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.phone.accounts.logic import (
    FIRST_PEOPLE,
    SITE_ROLES,
    SessionTimes,
    is_alive,
    is_to_be_touched,
    roles_on,
)


def test_every_first_person_may_sign_in_on_the_site_and_nobody_counts_twice() -> None:
    assert set(FIRST_PEOPLE) == set(SITE_ROLES)
    for site, first in FIRST_PEOPLE.items():
        assert roles_on(site, frozenset({first.role})) == {first.role}
    assert sum(map(len, SITE_ROLES.values())) == len(PersonRole)
    assert roles_on(Site.DOORS, frozenset(PersonRole)) == frozenset()


@given(st.integers(0, 10**10), st.integers(0, 10**10), st.integers(0, 10**10))
def test_a_session_that_ended_never_comes_back(used_s: int, expires_s: int, now_s: int) -> None:
    config = AccountsConfig()
    times = SessionTimes(used_s * 1_000_000, expires_s * 1_000_000)
    alive = is_alive(times, config, now_s * 1_000_000)

    assert alive == (now_s < expires_s and now_s < used_s + config.session_idle_s)
    if not alive:
        assert not is_alive(times, config, (now_s + 1) * 1_000_000)


def test_the_use_of_a_session_goes_on_record_at_a_bounded_pace() -> None:
    config = AccountsConfig(session_touch_s=300)
    times = SessionTimes(0, 10**12)

    assert not is_to_be_touched(times, config, 299_999_999)
    assert is_to_be_touched(times, config, 300_000_000)
