"""What a car says is taken when it can be true."""

from dataclasses import replace

import pytest

from monocoque.cloud.campaigns.logic import reports
from monocoque.cloud.campaigns.logic.reports import Known, Release
from monocoque.contracts.errors import InventoryChanged, ManifestReplayed, ReportContradicts
from monocoque.trust.updates.director import Target
from monocoque.trust.updates.manifests import Manifest, UnitReport, UpdateReport, UpdateState

CAR = "car_0123456789abcdefghjkmnpqrs"
HARDWARE = ("arden7-body", "arden7-gateway")
QUIET = UpdateReport(0, UpdateState.NONE)


def made(number: int, hardware=HARDWARE) -> Release:
    images = {
        each: Target(f"{number}/{each}.img", 100 + number, f"{number}" * 64) for each in hardware
    }
    return Release(number, f"1.{number}.0", Target(f"{number}/release.json", 9, "f" * 64), images)


RELEASES = {number: made(number) for number in (1, 2, 3)} | {4: made(4, ["arden7-body"])}


def unit(hardware_id: str, number: int) -> UnitReport:
    return UnitReport(
        f"{hardware_id}-x", hardware_id, number, f"1.{number}.0", 100 + number, f"{number}" * 64
    )


def manifest(number=1, update=QUIET, sequence=6, units=None) -> Manifest:
    has = units or [unit(each, number) for each in HARDWARE]
    return Manifest(CAR, sequence, 0, tuple(has), update, b"")


KNOWN = Known(
    sequence=5,
    inventory=reports.inventory_of(manifest().units),
    numbers={f"{each}-x": 1 for each in HARDWARE},
)
UNKNOWN = Known(0, None, {})


def judged(said: Manifest, known=KNOWN, directed=frozenset({2})) -> None:
    reports.judge(said, known, RELEASES, directed)


@pytest.mark.parametrize(
    "said",
    [
        manifest(1),
        manifest(2),
        manifest(2, UpdateReport(2, UpdateState.INSTALLED)),
        manifest(1, UpdateReport(2, UpdateState.OFFERED)),
        manifest(1, UpdateReport(2, UpdateState.ROLLED_BACK, "boot_failed")),
        manifest(1, UpdateReport(0, UpdateState.REFUSED, "threshold_unmet")),
        manifest(1, UpdateReport(2, UpdateState.REFUSED, "expired")),
        manifest(units=[unit("arden7-body", 2), unit("arden7-gateway", 1)]),
    ],
)
def test_what_a_car_may_say(said):
    judged(said)


@pytest.mark.parametrize("sequence", [1, 5])
def test_an_old_manifest_is_refused(sequence):
    with pytest.raises(ManifestReplayed):
        judged(manifest(sequence=sequence))


@pytest.mark.parametrize(
    "units",
    [
        [unit("arden7-body", 1)],
        [unit("arden7-body", 1), unit("arden7-gateway", 1), unit("arden7-drive", 1)],
        [unit("arden7-body", 1), replace(unit("arden7-gateway", 1), ecu_id="arden7-gateway-y")],
    ],
)
def test_other_control_units_than_before_are_refused(units):
    with pytest.raises(InventoryChanged):
        judged(manifest(units=units))


BYTES = {
    "another length": replace(unit("arden7-body", 1), length=7),
    "another hash": replace(unit("arden7-body", 1), sha256="e" * 64),
    "a release that nobody knows": unit("arden7-body", 9),
    "a release that is not for it": replace(unit("arden7-body", 1), release_number=0),
}


@pytest.mark.parametrize("wrong", BYTES.values(), ids=BYTES)
@pytest.mark.parametrize("known", [KNOWN, UNKNOWN])
def test_bytes_that_were_not_signed_are_refused(wrong, known):
    with pytest.raises(ReportContradicts):
        judged(manifest(units=[wrong, unit("arden7-gateway", 1)]), known)


def test_a_release_is_not_for_hardware_that_it_does_not_name():
    with pytest.raises(ReportContradicts):
        judged(manifest(4), UNKNOWN)


@pytest.mark.parametrize(
    "said",
    [
        manifest(3),
        manifest(1, UpdateReport(3, UpdateState.INSTALLING)),
        manifest(1, UpdateReport(3, UpdateState.REFUSED)),
        manifest(1, UpdateReport(0, UpdateState.OFFERED)),
        manifest(1, UpdateReport(2, UpdateState.INSTALLED)),
        manifest(
            units=[unit("arden7-body", 2), unit("arden7-gateway", 1)],
            update=UpdateReport(2, UpdateState.INSTALLED),
        ),
    ],
)
def test_a_car_cannot_be_where_nobody_sent_it(said):
    with pytest.raises(ReportContradicts):
        judged(said)


def test_a_car_that_says_installed_of_an_unknown_release_is_refused():
    said = manifest(1, UpdateReport(9, UpdateState.INSTALLED))
    with pytest.raises(ReportContradicts):
        judged(said, directed=frozenset({9}))


def test_the_first_word_of_a_car_may_say_what_it_has():
    judged(manifest(3), UNKNOWN)
    judged(manifest(3, UpdateReport(3, UpdateState.INSTALLED)), UNKNOWN)
    with pytest.raises(ReportContradicts):
        judged(manifest(1, UpdateReport(3, UpdateState.INSTALLING)), UNKNOWN)


def test_of_a_release_that_is_listed_no_longer_the_bytes_are_not_known():
    unlisted = Release(9, "0.9.0", None, {})
    reports.judge(manifest(9), UNKNOWN, {9: unlisted}, frozenset())
    assert reports.has_release(manifest(9).units, unlisted)
    assert not reports.has_release(manifest(1).units, unlisted)
    assert reports.assignment_of(unlisted, KNOWN.inventory) is None


def test_a_car_has_a_release_when_every_unit_has_it_that_it_is_for():
    both = [unit("arden7-body", 4), unit("arden7-gateway", 1)]
    assert reports.has_release(both, RELEASES[4])
    assert not reports.has_release(both, RELEASES[2])
    assert not reports.has_release([unit("arden7-gateway", 4)], RELEASES[4])
    assert reports.newest_number(both) == 4
    assert reports.named_numbers(manifest(units=both, update=QUIET)) == {0, 1, 4}


@pytest.mark.parametrize(
    ("body", "gateway", "whole"),
    [
        (1, 1, 1),
        (2, 1, 1),
        (1, 2, 1),
        (2, 2, 2),
        (3, 2, 2),
        (4, 1, 4),  # 4 is for the body alone
        (4, 3, 4),
        (1, 4, 1),
    ],
)
def test_a_car_has_as_a_whole_what_none_of_its_units_is_behind(body, gateway, whole):
    units = [unit("arden7-body", body), unit("arden7-gateway", gateway)]
    assert reports.whole_number(units, RELEASES) == whole


def test_of_a_release_that_is_listed_no_longer_every_unit_is_asked():
    releases = RELEASES | {number: Release(number, "", None, {}) for number in (1, 4)}
    units = [unit("arden7-body", 4), unit("arden7-gateway", 1)]
    assert reports.whole_number(units, releases) == 1


def test_a_car_is_told_to_install_what_is_for_its_units():
    assert [each.ecu_id for each in reports.assignment_of(RELEASES[2], KNOWN.inventory).units] == [
        "arden7-body-x",
        "arden7-gateway-x",
    ]
    found = reports.assignment_of(RELEASES[4], KNOWN.inventory)
    assert [each.hardware_id for each in found.units] == ["arden7-body"]
    assert reports.assignment_of(RELEASES[4], (("arden7-drive-x", "arden7-drive"),)) is None
