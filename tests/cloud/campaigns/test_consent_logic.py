"""What an owner is shown of an update, and may still say."""

import pytest

from monocoque.cloud.campaigns.logic import consent
from monocoque.cloud.campaigns.logic.consent import Consent, Shown
from monocoque.trust.updates.manifests import UpdateReport, UpdateState

OPEN = (Shown.ANNOUNCED, Shown.OFFERED, Shown.DOWNLOADING, Shown.WAITING)
AT_WORK = (Shown.INSTALLING, Shown.BOOTING)
OVER = (Shown.INSTALLED, Shown.ROLLED_BACK, Shown.REFUSED)


@pytest.mark.parametrize("state", [each for each in UpdateState if each is not UpdateState.NONE])
@pytest.mark.parametrize("directed", [0, 2])
def test_the_word_of_the_car_is_shown(state, directed):
    assert consent.shown_state(UpdateReport(2, state), directed, 1).value == state.value


@pytest.mark.parametrize(
    ("update", "directed", "installed", "expected"),
    [
        (UpdateReport(0, UpdateState.NONE), 0, 1, Shown.NONE),
        (UpdateReport(0, UpdateState.NONE), 2, 1, Shown.ANNOUNCED),
        (UpdateReport(0, UpdateState.NONE), 2, 2, Shown.INSTALLED),
        (UpdateReport(2, UpdateState.INSTALLED), 3, 2, Shown.ANNOUNCED),
        (UpdateReport(0, UpdateState.REFUSED), 3, 2, Shown.REFUSED),
    ],
)
def test_what_a_car_has_not_spoken_of_is_announced(update, directed, installed, expected):
    assert consent.shown_state(update, directed, installed) is expected


@pytest.mark.parametrize("agreed", [None, True, False])
def test_how_an_owner_stands_to_it(agreed):
    assert consent.consent_of(Shown.NONE, agreed) is Consent.NOT_ASKED
    for state in OPEN:
        assert consent.consent_of(state, agreed) is (Consent.GIVEN if agreed else Consent.ASKED)
    for state in AT_WORK:
        assert consent.consent_of(state, agreed) is Consent.GIVEN
    for state in OVER:
        assert consent.consent_of(state, agreed) is Consent.OVER


@pytest.mark.parametrize("state", list(Shown))
def test_an_owner_answers_until_the_car_begins(state):
    is_open = state in OPEN
    assert consent.can_agree(state, False) is is_open
    assert consent.can_agree(state, None) is is_open
    assert not consent.can_agree(state, True)
    assert consent.can_take_back(state, True) is is_open
    assert consent.can_take_back(state, None) is is_open
    assert not consent.can_take_back(state, False)
