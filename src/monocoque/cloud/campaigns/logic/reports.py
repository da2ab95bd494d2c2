"""Whether a car's manifest can be true, and what of a release is in it.

Rules:

* ``sequence`` grows; what came before is refused;
* the first manifest says which control units a car has, and what is in them; another set is refused
  until a person has looked, or the car names the old one again;
* bytes are known by length and hash: a unit cannot have a release in another form than the one that
  was signed, nor one that nobody knows;
* a car does what it was told: it cannot be at work on a release that it was never directed to, nor
  have come to one;
* what is refused counts for nothing, neither as success nor as failure;
* a car has a release when every control unit that it is for has it or a newer one: while units are
  tried one after another, it still has the old one.

Left out on purpose: what a lie should cost the car. A person decides that.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from monocoque.contracts.errors import InventoryChanged, ManifestReplayed, ReportContradicts
from monocoque.trust.updates.director import Assignment, Target, UnitTarget
from monocoque.trust.updates.manifests import Manifest, UnitReport, UpdateState

Inventory = tuple[tuple[str, str], ...]
"""Each control unit's identifier and hardware id, sorted."""


@dataclass(frozen=True, slots=True)
class Release:
    """What the director must know of a release that was published."""

    number: int
    version: str
    document: Target | None
    """The release document; None when the repository lists this release no longer."""
    images: Mapping[str, Target]
    """By hardware id."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record about a car."""

    sequence: int
    inventory: Inventory | None
    """None before its first manifest, and when a person had it taken anew."""
    numbers: Mapping[str, int]
    """The release in each control unit."""


def inventory_of(units: Sequence[UnitReport]) -> Inventory:
    """Which control units these are."""
    return tuple(sorted((unit.ecu_id, unit.hardware_id) for unit in units))


def judge(
    manifest: Manifest,
    known: Known,
    releases: Mapping[int, Release],
    directed: Set[int],
) -> None:
    """Return when the manifest can be true.

    releases: those that the manifest names and that exist. directed: the releases that this car was
    ever directed to. Raises ManifestReplayed, InventoryChanged, ReportContradicts.
    """
    if manifest.sequence <= known.sequence:
        raise ManifestReplayed("A manifest with this sequence, or a later one, was taken.")
    is_first = known.inventory is None
    if not is_first and inventory_of(manifest.units) != known.inventory:
        raise InventoryChanged("The car names other control units than before.")
    for unit in manifest.units:
        _check_bytes(unit, releases)
        if not is_first and unit.release_number > known.numbers[unit.ecu_id]:
            _check_directed(unit.release_number, directed)
    has = {unit.release_number for unit in manifest.units}
    _check_update(manifest, releases, directed | has if is_first else directed)


def has_release(units: Sequence[UnitReport], release: Release) -> bool:
    """Whether every control unit that the release is for has it."""
    concerned = _concerned(units, release)
    return bool(concerned) and all(unit.release_number == release.number for unit in concerned)


def newest_number(units: Sequence[UnitReport]) -> int:
    """The newest release that is in any control unit of a car."""
    return max(unit.release_number for unit in units)


def whole_number(units: Sequence[UnitReport], releases: Mapping[int, Release]) -> int:
    """The newest release that a car has as a whole, out of those in its control units.

    releases: at least those.
    """
    numbers = {unit.release_number for unit in units}
    # The oldest is always among them: nothing in the car is older.
    return max(number for number in numbers if _is_reached(units, releases[number]))


def named_numbers(manifest: Manifest) -> set[int]:
    """Every release that a manifest names."""
    return {unit.release_number for unit in manifest.units} | {manifest.update.release_number}


def assignment_of(release: Release, inventory: Inventory) -> Assignment | None:
    """What a car with these control units is to install; None when nothing fits."""
    if release.document is None:
        return None
    units = [
        UnitTarget(ecu_id, hardware_id, release.images[hardware_id])
        for ecu_id, hardware_id in inventory
        if hardware_id in release.images
    ]
    return Assignment(release.number, release.document, units) if units else None


def _concerned(units: Sequence[UnitReport], release: Release) -> list[UnitReport]:
    """The control units that a release is for; all of them, when that is not known any more."""
    is_listed = release.document is not None
    return [unit for unit in units if not is_listed or unit.hardware_id in release.images]


def _is_reached(units: Sequence[UnitReport], release: Release) -> bool:
    return all(unit.release_number >= release.number for unit in _concerned(units, release))


def _check_bytes(unit: UnitReport, releases: Mapping[int, Release]) -> None:
    release = releases.get(unit.release_number)
    if release is not None and release.document is None:
        return
    image = None if release is None else release.images.get(unit.hardware_id)
    if image is None:
        raise ReportContradicts("A control unit has a release that does not exist for it.")
    if (unit.length, unit.sha256) != (image.length, image.sha256):
        raise ReportContradicts("A control unit has other bytes than those that were signed.")


def _check_update(manifest: Manifest, releases: Mapping[int, Release], directed: Set[int]) -> None:
    update = manifest.update
    if update.state is UpdateState.NONE:
        return
    # A car that cannot read what it was told does not know the number either.
    if update.release_number or update.state is not UpdateState.REFUSED:
        _check_directed(update.release_number, directed)
    if update.state is UpdateState.INSTALLED:
        release = releases.get(update.release_number)
        if release is None or not has_release(manifest.units, release):
            raise ReportContradicts("The car says that it has what its control units have not.")


def _check_directed(number: int, directed: Set[int]) -> None:
    if number not in directed:
        raise ReportContradicts("The car is at a release that nobody directed it to.")
