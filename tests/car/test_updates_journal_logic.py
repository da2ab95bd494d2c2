"""Where an update stands: from phase to phase, and never on two ways at once."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.car.updates.logic.journal import (
    INSTALLING,
    Journal,
    Phase,
    Plan,
    because,
    begun,
    directed,
    failed,
    fetched,
    lost,
    of_members,
    refused,
    report,
    to_members,
    unit_done,
)
from monocoque.trust.updates.manifests import UpdateState
from monocoque.trust.updates.reasons import UpdateReason
from monocoque.trust.updates.verification import Wanted

IMAGES = tuple(
    Wanted(f"{name}-1", name, f"targets/2/{letter * 64}.{name}.img", 100 * size, letter * 64)
    for name, letter, size in (("gateway", "a", 1), ("body", "b", 2), ("drive", "c", 1))
)
PLAN = Plan(2, "1.1.0", 5, IMAGES, needs_charge_percent=20, expires_us=1_000)
NEXT = replace(PLAN, release_number=3, targets_version=6, images=IMAGES[:1])
DIRECTED = directed(Journal(), PLAN, 5)


def downloaded(journal: Journal = DIRECTED) -> Journal:
    for image in IMAGES:
        journal = fetched(journal, image.sha256, image.length)
    return journal


def stepped(journal: Journal, times: int) -> Journal:
    for _ in range(times):
        journal = unit_done(journal)
    return journal


def said(journal: Journal, agreed_to: int | None = None) -> tuple:
    found = report(journal, agreed_to)
    return found.release_number, str(found.state), found.reason, found.progress_percent


def test_an_update_goes_from_its_directions_to_its_end() -> None:
    assert said(Journal()) == (0, "none", "", 0)
    assert said(DIRECTED) == (2, "offered", "", 0)
    half = fetched(DIRECTED, IMAGES[1].sha256, 200)
    assert said(half) == (2, "downloading", "", 50)
    ready = downloaded()
    assert said(ready) == (2, "waiting", "", 100)
    assert said(because(ready, "moving")) == (2, "waiting", "moving", 100)
    installing = begun(because(ready, "moving"))
    assert said(stepped(installing, 1)) == (2, "installing", "", 33)
    assert stepped(installing, 3).phase is Phase.BOOTING
    assert said(stepped(installing, 5)) == (2, "booting", "", 66)
    assert stepped(installing, 6).phase is Phase.COMMITTING
    ended = stepped(installing, 9)
    assert said(ended) == (2, "installed", "", 0)
    assert (ended.plan, ended.directions_version, ended.failed_version) == (None, 5, 0)


@pytest.mark.parametrize("steps", range(6))
def test_from_writing_and_booting_every_way_leads_back_for_all_units(steps) -> None:
    going = failed(stepped(begun(downloaded()), steps), UpdateReason.BOOT_FAILED)
    assert (going.phase, going.done) == (Phase.GOING_BACK, 0)
    assert said(going)[1:3] == ("booting", "boot_failed")
    back = stepped(going, 3)
    assert said(back) == (2, "rolled_back", "boot_failed", 0)
    assert back.failed_version == 5


def test_from_the_commit_on_there_is_only_forward() -> None:
    with pytest.raises(AssertionError):
        failed(stepped(begun(downloaded()), 6), UpdateReason.BOOT_FAILED)
    with pytest.raises(AssertionError):
        begun(DIRECTED)


def test_what_was_rolled_back_is_begun_again_by_newer_directions_alone() -> None:
    back = stepped(failed(begun(downloaded()), UpdateReason.WRITE_FAILED), 3)
    assert directed(back, PLAN, 5) == back
    assert directed(refused(back, UpdateReason.EXPIRED), PLAN, 5).plan is None
    assert directed(directed(back, None, 5), PLAN, 5).plan is None
    newer = replace(PLAN, targets_version=6)
    assert directed(back, newer, 6).phase is Phase.DOWNLOADING


@pytest.mark.parametrize("steps", range(9))
def test_directions_and_refusals_change_nothing_while_units_are_written_to(steps) -> None:
    journal = stepped(begun(downloaded()), steps)
    assert journal.is_installing
    for plan in (None, NEXT):
        assert directed(journal, plan, 6) == replace(journal, directions_version=6)
    assert refused(journal, UpdateReason.EXPIRED) == journal


def test_the_same_images_again_go_on_where_they_were() -> None:
    half = fetched(DIRECTED, IMAGES[1].sha256, 50)
    fresh = replace(PLAN, targets_version=7, expires_us=9_000)
    again = directed(half, fresh, 7)
    assert (again.plan, again.got, again.phase) == (fresh, half.got, Phase.DOWNLOADING)
    ready = directed(because(downloaded(), "moving"), fresh, 7)
    assert (ready.phase, ready.reason) == (Phase.WAITING, "moving")


def test_another_release_keeps_what_it_can_use() -> None:
    other = directed(downloaded(), NEXT, 6)
    assert other.got == {IMAGES[0].sha256: 100}
    assert other.phase is Phase.WAITING, "nothing of it is missing"


def test_nothing_to_install_ends_what_is_not_begun_and_keeps_what_has_ended() -> None:
    assert directed(downloaded(), None, 6) == Journal(directions_version=6)
    ended = stepped(begun(downloaded()), 9)
    assert said(directed(ended, None, 6)) == (2, "installed", "", 0)
    assert said(directed(refused(DIRECTED, UpdateReason.ALTERED), None, 6)) == (0, "none", "", 0)


def test_what_had_come_before_a_refusal_is_not_waited_for_again() -> None:
    """The car looked at the same directions again and again, without a pause."""
    waiting = downloaded()
    assert waiting.phase is Phase.WAITING
    unreachable = refused(waiting, UpdateReason.UNREACHABLE)
    assert directed(unreachable, PLAN, 6).phase is Phase.WAITING
    assert directed(lost(unreachable, IMAGES[0].sha256), PLAN, 6).phase is Phase.DOWNLOADING


def test_a_refusal_has_its_reason_and_keeps_what_came() -> None:
    half = fetched(DIRECTED, IMAGES[1].sha256, 50)
    gone = refused(half, UpdateReason.ALTERED)
    assert said(gone) == (2, "refused", "altered", 0)
    assert gone.got == half.got
    assert said(refused(Journal(), UpdateReason.EXPIRED)) == (0, "refused", "expired", 0)
    assert lost(downloaded(), IMAGES[0].sha256).phase is Phase.DOWNLOADING
    assert IMAGES[0].sha256 not in lost(half, IMAGES[0].sha256).got


def test_the_owner_agrees_to_a_release_by_its_number() -> None:
    assert [report(DIRECTED, number).agreed for number in (None, 1, 2)] == [False, False, True]
    assert report(Journal(), 2).agreed is None


@given(st.integers(0, 9), st.booleans(), st.booleans())
def test_a_journal_is_read_as_it_was_written(steps, fails, ends) -> None:
    journal = begun(downloaded())
    for _ in range(steps):
        if journal.is_installing:
            journal = unit_done(journal)
    if fails and journal.phase in (Phase.INSTALLING, Phase.BOOTING):
        journal = failed(journal, UpdateReason.BOOT_FAILED)
    if ends and journal.phase not in INSTALLING:
        journal = refused(journal, UpdateReason.EXPIRED)
    assert of_members(to_members(journal)) == journal
    assert of_members(None) == Journal()
    assert journal.state in UpdateState
