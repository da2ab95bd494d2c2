"""Where a car is after what it says, and what its campaign may still do with it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.cloud.campaigns.logic import phases
from monocoque.cloud.campaigns.logic.phases import Phase, State
from monocoque.trust.updates.manifests import UpdateState

SAID = {
    UpdateState.OFFERED: Phase.OFFERED,
    UpdateState.DOWNLOADING: Phase.DOWNLOADING,
    UpdateState.WAITING: Phase.WAITING,
    UpdateState.INSTALLING: Phase.INSTALLING,
    UpdateState.BOOTING: Phase.BOOTING,
    UpdateState.ROLLED_BACK: Phase.ROLLED_BACK,
    UpdateState.REFUSED: Phase.REFUSED,
}
TOLD = (
    Phase.DIRECTED,
    Phase.OFFERED,
    Phase.DOWNLOADING,
    Phase.WAITING,
    Phase.INSTALLING,
    Phase.BOOTING,
    Phase.SILENT,
    Phase.REFUSED,
    Phase.ROLLED_BACK,
    Phase.INSTALLED,
)


@pytest.mark.parametrize(("phase", "said"), list(itertools.product(TOLD, SAID)))
def test_a_car_that_was_told_is_where_it_says(phase, said):
    assert phases.after_report(phase, said, has_it=False, is_directed=True) is SAID[said]


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.SKIPPED}))
@pytest.mark.parametrize("said", [UpdateState.NONE, UpdateState.INSTALLED])
def test_a_car_whose_units_have_it_is_through(phase, said):
    assert phases.after_report(phase, said, has_it=True, is_directed=False) is Phase.INSTALLED


@pytest.mark.parametrize("phase", list(Phase))
def test_a_car_that_speaks_of_nothing_stays_where_it_is(phase):
    assert phases.after_report(phase, UpdateState.NONE, has_it=False, is_directed=True) is phase


@pytest.mark.parametrize("phase", [Phase.HELD, Phase.WITHDRAWN, Phase.REFUSED, Phase.ROLLED_BACK])
@pytest.mark.parametrize("said", list(SAID))
def test_a_car_that_was_called_back_is_not_back_by_a_late_word(phase, said):
    late = SAID[said] in phases.NOT_BEGUN
    fell_back = (phase, said) == (Phase.ROLLED_BACK, UpdateState.REFUSED)
    expected = phase if late or fell_back else SAID[said]
    assert phases.after_report(phase, said, has_it=False, is_directed=False) is expected


@given(said=st.sampled_from(UpdateState), has_it=st.booleans())
def test_a_car_that_was_passed_over_stays_so(said, has_it):
    after = phases.after_report(Phase.SKIPPED, said, has_it=has_it, is_directed=True)
    assert after is Phase.SKIPPED


def test_only_a_running_campaign_directs_anybody():
    assert phases.to_direct(State.RUNNING) == {Phase.HELD, Phase.REFUSED}
    for state in (State.PAUSED, State.HALTED, State.FINISHED):
        assert phases.to_direct(state) == frozenset()


@pytest.mark.parametrize("state", list(State))
def test_who_began_to_install_is_never_called_back_and_who_fell_back_always(state):
    called = phases.to_call_back(state)
    assert not called & (phases.BEGUN | {Phase.INSTALLED, Phase.SILENT})
    assert Phase.ROLLED_BACK in called
    assert (called >= phases.NOT_BEGUN) == (state is State.HALTED)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_car_that_was_called_back_keeps_its_failure(phase):
    expected = Phase.WITHDRAWN if phase in phases.NOT_BEGUN else phase
    assert phases.after_call_back(phase) is expected


@pytest.mark.parametrize("phase", list(Phase))
def test_a_campaign_that_goes_on_takes_up_whom_it_called_back(phase):
    expected = Phase.HELD if phase is Phase.WITHDRAWN else phase
    assert phases.after_resume(phase) is expected


@pytest.mark.parametrize("phase", list(Phase))
def test_a_campaign_lets_a_car_go_that_is_done_and_a_halted_one_keeps_who_has_begun(phase):
    done = phase in {Phase.INSTALLED, Phase.ROLLED_BACK, Phase.SKIPPED}
    assert phases.holds(State.RUNNING, phase) is not done
    assert phases.holds(State.PAUSED, phase) is not done
    assert phases.holds(State.HALTED, phase) is (phase in phases.BEGUN)
    assert not phases.holds(State.FINISHED, phase)


def test_who_is_directed_by_a_campaign_is_held_by_it_or_has_come_to_an_end():
    # Else another campaign could direct a car in the middle of an update.
    for state in (State.RUNNING, State.PAUSED, State.HALTED):
        for phase in phases.BEGUN:
            assert phases.holds(state, phase)
    for phase in phases.to_direct(State.RUNNING):
        assert phases.holds(State.RUNNING, phase)
