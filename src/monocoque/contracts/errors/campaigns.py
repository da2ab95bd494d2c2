"""A campaign that cannot be, and a car whose word about its software cannot be taken.

Rules: raise a leaf where there is one; the package says what every error answers. What a car says
wrongly is counted by these codes, and costs nobody but that car.

Left out on purpose: metadata and images, which the car judges.
"""

from monocoque.contracts.errors.conflicts import ConflictError
from monocoque.contracts.errors.documents import DocumentRefused
from monocoque.contracts.errors.inputs import InputError


class ReleaseUnknown(InputError):
    """No release with this number was published."""

    code = "release_unknown"
    http_status = 404
    default_hint = "`monocoque release list` says which releases there are."


class CampaignSelectsNobody(InputError):
    """There is no car to which the campaign would bring anything."""

    code = "campaign_selects_nobody"
    http_status = 422
    default_hint = "Choose cars that exist and have not got this release yet."


class ReleaseOlderThanCar(ConflictError):
    """A chosen car has a newer release than the campaign would bring; nothing was started."""

    code = "release_older_than_car"
    default_hint = "Cars never go back: leave the car out, or sign a newer release."


class CarInCampaign(ConflictError):
    """A chosen car is in another campaign that goes on; nothing was started."""

    code = "car_in_campaign"
    default_hint = (
        "Wait until that campaign is through with the car, halt it, or leave the car out."
    )


class CampaignHalted(ConflictError):
    """The campaign was halted; to go on is a decision of its own."""

    code = "campaign_halted"
    default_hint = "Look at the cars that failed; then resume with `--despite-failures`."


class CampaignConflict(ConflictError):
    """The campaign is not in a state that allows this."""

    code = "campaign_conflict"
    default_hint = "Read the campaign again; one that is finished, or gives way, stays so."


class ManifestReplayed(DocumentRefused):
    """A manifest with this sequence, or a later one, was taken before."""

    code = "manifest_replayed"
    default_hint = "A car counts its manifests on; look for a second car with the same key."


class InventoryChanged(DocumentRefused):
    """The car names other control units than the ones on record; a person must look at it."""

    code = "inventory_changed"
    default_hint = "Find out who changed a control unit; the car gets no update until then."


class ReportContradicts(DocumentRefused):
    """The car says that it has, or does, what nobody directed it to, or other bytes than signed."""

    code = "report_contradicts"
    default_hint = "Its report counts for nothing; have the car looked at."
