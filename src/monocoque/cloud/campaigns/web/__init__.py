"""HTTP routes of campaigns: the console runs and follows them; an owner sees the own car's update.

Left out on purpose: the owner's agreement. It is a command to the car, like every other.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from monocoque.cloud.campaigns.logic.rollout import Event
from monocoque.cloud.campaigns.service.desk import Wanted
from monocoque.cloud.campaigns.web.answers import (
    Attention,
    Campaign,
    CampaignCars,
    CampaignEvents,
    Campaigns,
    CampaignWanted,
    CarUpdate,
    CarUpdateEvents,
    FleetSoftware,
    Resume,
)
from monocoque.cloud.campaigns.web.pages import CampaignPages as CampaignPages
from monocoque.cloud.pairing.service import find_own_car
from monocoque.contracts.identifiers import car_id as parse_car_id
from monocoque.contracts.identifiers import parse
from monocoque.contracts.rights import READ_CAMPAIGNS, READ_OWN_CARS, RUN_CAMPAIGNS
from monocoque.plumbing.http.events import EventStream
from monocoque.plumbing.http.exchange import CurrentSession
from monocoque.plumbing.http.rules import needs

After = Annotated[
    str, Query(max_length=64, description="the last car of the page before; empty for the first")
]


def console_routes(pages: CampaignPages) -> APIRouter:
    """The routes of the console."""
    router = APIRouter(tags=["campaigns"])

    @router.get("/api/campaigns")
    @needs(READ_CAMPAIGNS)
    async def read_campaigns() -> Campaigns:
        """Campaigns, the newest first."""
        return await pages.campaigns()

    @router.get(
        "/api/campaigns/live",
        status_code=200,
        response_class=EventStream,
        responses={200: {"model": CampaignEvents, "description": "Server-sent events, by name."}},
    )
    @needs(READ_CAMPAIGNS)
    async def watch_campaigns(request: Request) -> EventStream:
        """Every campaign once, then each that changes."""
        return EventStream(request, pages.live_campaigns())

    @router.get("/api/campaigns/{campaign_id}/cars")
    @needs(READ_CAMPAIGNS)
    async def read_campaign_cars(campaign_id: str, after: After = "") -> CampaignCars:
        """The cars of a campaign, a page at a time."""
        return await pages.cars(parse(campaign_id, "campaign"), after)

    @router.get("/api/software")
    @needs(READ_CAMPAIGNS)
    async def read_software(after: After = "") -> FleetSoftware:
        """The software of every car that has spoken, or is in a campaign; a page at a time."""
        return await pages.software(after)

    @router.get("/api/software/attention")
    @needs(READ_CAMPAIGNS)
    async def read_attention() -> Attention:
        """Which cars and campaigns need a person."""
        return await pages.attention()

    _add_deeds(router, pages)
    return router


def _add_deeds(router: APIRouter, pages: CampaignPages) -> None:
    """The routes by which a campaign is run."""

    @router.post("/api/campaigns")
    @needs(RUN_CAMPAIGNS)
    async def start_campaign(wanted: CampaignWanted, session: CurrentSession) -> Campaign:
        """Start a campaign."""
        config, campaign_id = pages.config, wanted.campaign_id
        asked = Wanted(
            release_number=wanted.release_number,
            cars=None if wanted.cars is None else [parse_car_id(each) for each in wanted.cars],
            waves=wanted.waves,
            failures_max=wanted.failures_max,
            soak_s=wanted.soak_s or config.soak_s,
            silent_s=wanted.silent_s or config.silent_s,
            started_by=session.person_id,
            campaign_id="" if campaign_id is None else parse(campaign_id, "campaign"),
        )
        return await pages.campaign(await pages.desk.start(asked))

    async def change(campaign_id: str, event: Event) -> Campaign:
        await pages.desk.change(parse(campaign_id, "campaign"), event)
        return await pages.campaign(campaign_id)

    @router.post("/api/campaigns/{campaign_id}/pause")
    @needs(RUN_CAMPAIGNS)
    async def pause_campaign(campaign_id: str) -> Campaign:
        """Tell no further car; those that were told go on."""
        return await change(campaign_id, Event.PAUSE)

    @router.post("/api/campaigns/{campaign_id}/resume")
    @needs(RUN_CAMPAIGNS)
    async def resume_campaign(campaign_id: str, how: Resume) -> Campaign:
        """Go on."""
        despite = Event.RESUME_DESPITE_FAILURES
        return await change(campaign_id, despite if how.despite_failures else Event.RESUME)

    @router.post("/api/campaigns/{campaign_id}/halt")
    @needs(RUN_CAMPAIGNS)
    async def halt_campaign(campaign_id: str) -> Campaign:
        """Stop it, and call back every car that has not begun to install."""
        return await change(campaign_id, Event.HALT)

    @router.post("/api/software/{car_id}/take-anew")
    @needs(RUN_CAMPAIGNS)
    async def take_software_anew(car_id: str) -> Attention:
        """A person looked at the car: what it says next counts like its first word."""
        await pages.desk.take_anew(parse_car_id(car_id))
        return await pages.attention()


def phone_routes(pages: CampaignPages) -> APIRouter:
    """The routes of the phone site."""
    router = APIRouter(tags=["updates"])

    @router.get("/api/cars/{car_id}/update")
    @needs(READ_OWN_CARS)
    async def read_update(car_id: str, session: CurrentSession) -> CarUpdate:
        """The update of a car of one's own, now."""
        return await pages.update(parse_car_id(car_id), session.person_id)

    @router.get(
        "/api/cars/{car_id}/update/live",
        status_code=200,
        response_class=EventStream,
        responses={200: {"model": CarUpdateEvents, "description": "Server-sent events, by name."}},
    )
    @needs(READ_OWN_CARS)
    async def watch_update(car_id: str, request: Request, session: CurrentSession) -> EventStream:
        """The update, then each change of it."""
        car = parse_car_id(car_id)
        await find_own_car(pages.records, car, session.person_id)  # refuses before it streams
        return EventStream(request, pages.live_update(car, session.person_id))

    return router
