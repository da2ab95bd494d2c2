"""What the routes of campaigns take and answer.

Rules: words in answers are those of the logic; a page has its own for people.

Left out on purpose: how an answer is made; see pages.py.
"""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from monocoque.cloud.campaigns.logic import consent
from monocoque.cloud.campaigns.logic.phases import Phase, State
from monocoque.contracts.updates import NUMBER_MAX

CARS_NAMED_MAX = 1_000
"""Cars that a request may name; more are chosen by leaving them out: every car."""
SECONDS_MAX = 366 * 86_400
CARS_MAX = 100_000_000


class CampaignWanted(BaseModel):
    """A campaign that is to start."""

    release_number: int = Field(ge=1, le=NUMBER_MAX)
    cars: list[str] | None = Field(
        default=None, max_length=CARS_NAMED_MAX, description="car_ids; null for every car"
    )
    waves: list[Annotated[int, Field(ge=1, le=CARS_MAX)]] = Field(
        default=[1], description="how many cars each wave has; the rest is one more"
    )
    failures_max: int = Field(
        default=0, ge=0, le=CARS_MAX, description="cars of one wave that may fail before it halts"
    )
    soak_s: int | None = Field(
        default=None,
        ge=1,
        le=SECONDS_MAX,
        description="how long the next wave waits for cars that are not settled",
    )
    silent_s: int | None = Field(
        default=None,
        ge=1,
        le=SECONDS_MAX,
        description="how long a car that began to install may say nothing before it has failed",
    )
    campaign_id: str | None = Field(
        default=None, description="made by the page, so that asking twice starts one; null for any"
    )


class Resume(BaseModel):
    """How a campaign goes on."""

    despite_failures: bool = Field(
        default=False, description="a campaign that was halted needs it; failures are forgiven"
    )


class PhaseCount(BaseModel):
    """How many cars are how far."""

    phase: Phase
    cars: int


class Wave(BaseModel):
    """One wave."""

    number: int = Field(description="from 0")
    cars: int
    has_begun: bool
    failed: int = Field(description="cars that failed and were not forgiven; see `failures_max`")
    phases: list[PhaseCount]


class Campaign(BaseModel):
    """One campaign; also the data of the live event ``campaign``."""

    campaign_id: str
    release_number: int
    version: str
    state: State
    reason: str = Field(description="why it was halted: `failures` or `person`; else empty")
    cars: int
    left_out: int = Field(description="chosen, and had this release or a newer one already")
    failures_max: int
    failed: int = Field(description="in all waves, forgiven ones too")
    installed: int
    soak_s: int
    silent_s: int
    waves: list[Wave]
    started_by: str
    started_at: datetime
    changed_at: datetime
    can_pause: bool
    can_resume: bool
    can_halt: bool
    resume_needs_despite_failures: bool


class Campaigns(BaseModel):
    """Campaigns, the newest first."""

    campaigns: list[Campaign]
    now: datetime = Field(description="by the cell's clock")


class CampaignCar(BaseModel):
    """One car of a campaign."""

    car_id: str
    wave: int
    phase: Phase
    reason: str
    progress_percent: int
    is_forgiven: bool
    changed_at: datetime


class CampaignCars(BaseModel):
    """Cars of a campaign, by identifier."""

    cars: list[CampaignCar]
    after: str | None = Field(description="ask for the next page with this; null at the end")


class CarSoftware(BaseModel):
    """The software that one car says it has."""

    car_id: str
    release_number: int = Field(
        description="what the car has as a whole, also while some of its control units have a "
        "newer one; 0 until the car has spoken"
    )
    version: str
    update_state: str
    update_number: int
    reason: str
    progress_percent: int
    campaign_id: str | None = Field(description="the campaign that has the car now")
    heard_at: datetime | None = Field(description="when its last manifest was taken")
    attention: str | None = Field(
        description="why a person must look at it: `inventory_changed`, `report_contradicts` or "
        "`half_updated`"
    )
    refusals: int = Field(description="manifests of this car that were refused")
    refusal_code: str


class FleetSoftware(BaseModel):
    """The software of cars, by identifier."""

    cars: list[CarSoftware]
    after: str | None = Field(description="ask for the next page with this; null at the end")


class Attention(BaseModel):
    """What needs a person."""

    cars: list[CarSoftware]
    campaigns: list[Campaign] = Field(description="those that were halted")


class CampaignTick(BaseModel):
    """The data of the live event ``tick``, which comes every 5 s."""

    now: datetime = Field(description="by the cell's clock")


class CampaignEvents(BaseModel):
    """The live events, by name."""

    campaign: Campaign
    tick: CampaignTick


class ReleaseOffered(BaseModel):
    """A release, in words for the owner of a car."""

    number: int
    version: str
    title: dict[str, str] = Field(description="by language: en, de, zh")
    notes: dict[str, str] = Field(description="by language; Markdown")
    critical: bool
    minutes: int = Field(description="how long the car cannot be used")
    needs_charge_percent: int


class CarUpdate(BaseModel):
    """The update of one's own car; also the data of the live event ``update``."""

    car_id: str
    installed_number: int = Field(
        description="what the car has as a whole, so not before every control unit has it; "
        "0 until the car has spoken"
    )
    installed_version: str
    state: consent.Shown
    reason: str = Field(description="a word of docs/protocol/updates.md, such as `charge_low`")
    progress_percent: int
    consent: consent.Consent
    can_agree: bool
    can_take_back: bool
    release: ReleaseOffered | None = Field(description="what the state is about; null for nothing")
    heard_at: datetime | None = Field(description="when the car last said so")


class UpdateTick(BaseModel):
    """The data of the live event ``tick``, which comes every 5 s."""

    now: datetime = Field(description="by the cell's clock")


class CarUpdateEvents(BaseModel):
    """The live events, by name."""

    update: CarUpdate
    tick: UpdateTick
