"""HTTP of a cell: the routes of every room on the cell's records, keys and bus.

Rules: ``build_cell_app`` is all of it but sockets, so a world answers with the same application.

Left out on purpose: finding the port, and saying where it is; whoever starts this does both.
"""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from monocoque.cloud.campaigns import web as campaigns_web
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.campaigns.service.desk import Desk
from monocoque.cloud.campaigns.service.releases import Releases
from monocoque.cloud.campaigns.service.sending import tell_campaign
from monocoque.cloud.commands import web as commands_web
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.commands.service.mailbox import Mailbox
from monocoque.cloud.enrolment import web as enrolment_web
from monocoque.cloud.enrolment.service import Enrolment
from monocoque.cloud.homes import web as homes_web
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.homes.service.desk import HomeDesk
from monocoque.cloud.pairing import service as pairing
from monocoque.cloud.pairing import web as pairing_web
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry import web as registry_web
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.releases import web as releases_web
from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.cloud.twin import web as twin_web
from monocoque.cloud.twin.config import TwinConfig
from monocoque.contracts.topics import Role
from monocoque.plumbing.bus.port import Bus
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.http.application import Application
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.listening import Listener
from monocoque.plumbing.http.server import serve
from monocoque.plumbing.metrics_file import text_of_all
from monocoque.plumbing.service import Context
from monocoque.roles.cell_settings import HTTP
from monocoque.roles.http import PAGES_DIRECTORY, build_app
from monocoque.roles.parts import Frame
from monocoque.roles.shop import open_shop, shop_routers

HTTP_ROLES: Final = (
    Role.CONSOLE,
    Role.PHONE,
    Role.PAIRING,
    Role.COMMANDS,
    Role.CAMPAIGNS,
    Role.ORDERS,
    Role.SHOP,
    Role.HOMES,
)
"""As whom HTTP speaks and listens on the cell's bus, by a connection each."""


async def serve_http(frame: Frame, listener: Listener) -> None:
    """Answer requests until cancelled."""
    config: HttpConfig = frame.configs[HttpConfig]
    metrics_text = partial(text_of_all, frame.metrics, frame.layout.metrics(frame.process_name))
    async with contextlib.AsyncExitStack() as stack:
        buses = {
            role: await stack.enter_async_context(frame.connected(role)) for role in HTTP_ROLES
        }
        context = frame.context(HTTP, buses[Role.CONSOLE])
        application = build_cell_app(context, buses, frame.authority.car_credentials, metrics_text)
        await serve(application, listener, config)


def build_cell_app(
    context: Context,
    buses: Mapping[Role, Bus],
    issue: Callable[[str, str], str],
    metrics_text: Callable[[], bytes] | None = None,
    pages_directory: Path | None = PAGES_DIRECTORY,
) -> Application:
    """The cell's application, ready to answer.

    context: that of HTTP. buses: one for each of HTTP_ROLES. issue: makes a car's place on the bus
    out of its car_id and public bus key. metrics_text: see ``build_app``.
    pages_directory: None for no pages.
    """
    records, clock, random = context.records, context.clock, context.random
    limits = context.config(RegistryConfig)
    trusted = registry.trusted_factory_key(context.keystore)
    [factory_key] = trusted.values()
    root = pairing.maker_root(context.keystore)
    phone = buses[Role.PHONE]
    fleet = registry_web.Fleet(records, buses[Role.CONSOLE], clock, limits)
    enrolment = Enrolment(records, clock, factory_key, issue)
    desk = pairing.Desk(records, buses[Role.PAIRING], clock, random, context.config(PairingConfig))
    garage = twin_web.Garage(records, phone, clock, context.config(TwinConfig), limits)
    mailbox_config = context.config(MailboxConfig)
    mailbox = Mailbox(records, buses[Role.COMMANDS], clock, random, root, mailbox_config, limits)
    live_commands = commands_web.LiveCommands(mailbox, phone, clock, mailbox_config)
    campaigns = _campaigns(context, buses)
    homes_config = context.config(HomesConfig)
    homes = HomeDesk(records, buses[Role.HOMES], clock, random, homes_config)
    live_scenes = homes_web.LiveScenes(homes, phone, clock, homes_config)
    shop = open_shop(
        records,
        context.keystore,
        clock,
        random,
        context.configs,
        as_orders=buses[Role.ORDERS],
        as_shop=buses[Role.SHOP],
        as_console=buses[Role.CONSOLE],
    )
    return build_app(
        context,
        cars_online=lambda: registry.count_online(records, clock, limits),
        metrics_text=metrics_text,
        routers=[
            registry_web.routes(fleet, registry_web.BuiltCars(records, trusted)),
            enrolment_web.routes(enrolment),
            pairing_web.routes(desk, records, root),
            twin_web.routes(garage),
            commands_web.routes(live_commands),
            releases_web.routes(releases_web.Shelf(records, clock, context.config(ReleasesConfig))),
            releases_web.file_routes(context.port(Documents), context.config(HttpConfig)),
            campaigns_web.console_routes(campaigns),
            campaigns_web.phone_routes(campaigns),
            homes_web.routes(live_scenes),
            *shop_routers(shop),
        ],
        pages_directory=pages_directory,
    )


def _campaigns(context: Context, buses: Mapping[Role, Bus]) -> campaigns_web.CampaignPages:
    records, clock, random = context.records, context.clock, context.random
    limits = context.config(CampaignsConfig)
    releases = Releases(records, context.port(Documents), context.keystore)

    async def tell(campaign_id: str) -> None:
        await tell_campaign(buses[Role.CAMPAIGNS], campaign_id, clock, random)

    return campaigns_web.CampaignPages(
        records=records,
        desk=Desk(records, releases, clock, random, limits, tell),
        releases=releases,
        console=buses[Role.CONSOLE],
        phone=buses[Role.PHONE],
        clock=clock,
        config=limits,
    )
