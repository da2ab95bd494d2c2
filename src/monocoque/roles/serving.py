"""HTTP of a cell: the routes of every room on the cell's records, keys and bus.

Left out on purpose: finding the port, and saying where it is; whoever starts this does both.
"""

import json

from monocoque.cloud.commands import web as commands_web
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.commands.service.mailbox import Mailbox
from monocoque.cloud.enrolment import web as enrolment_web
from monocoque.cloud.enrolment.service import Enrolment
from monocoque.cloud.pairing import service as pairing
from monocoque.cloud.pairing import web as pairing_web
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry import web as registry_web
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.twin import web as twin_web
from monocoque.cloud.twin.config import TwinConfig
from monocoque.contracts.topics import Role
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.server import Listener, serve
from monocoque.roles.http import build_app
from monocoque.roles.parts import HTTP, Frame
from monocoque.roles.shop import open_shop, shop_routers
from monocoque.shop.build.service import TRUSTED_FACTORY_KEY


async def serve_http(frame: Frame, listener: Listener) -> None:
    """Answer requests until cancelled."""
    config: HttpConfig = frame.configs[HttpConfig]
    limits: RegistryConfig = frame.configs[RegistryConfig]
    factory_key = json.loads(frame.keystore.read(TRUSTED_FACTORY_KEY) or b"{}")
    enrolment = Enrolment(frame.records, frame.clock, factory_key, frame.authority.car_credentials)
    root = pairing.maker_root(frame.keystore)
    async with (
        frame.connected(Role.CONSOLE) as console,
        frame.connected(Role.PHONE) as phone,
        frame.connected(Role.PAIRING) as as_pairing,
        frame.connected(Role.COMMANDS) as as_mailbox,
        frame.connected(Role.ORDERS) as as_orders,
        frame.connected(Role.SHOP) as as_shop,
    ):
        fleet = registry_web.Fleet(frame.records, console, frame.clock, limits)
        desk = pairing.Desk(
            frame.records, as_pairing, frame.clock, frame.random, frame.configs[PairingConfig]
        )
        garage = twin_web.Garage(
            frame.records, phone, frame.clock, frame.configs[TwinConfig], limits
        )
        mailbox_config: MailboxConfig = frame.configs[MailboxConfig]
        mailbox = Mailbox(
            frame.records, as_mailbox, frame.clock, frame.random, root, mailbox_config, limits
        )
        live_commands = commands_web.LiveCommands(mailbox, phone, frame.clock, mailbox_config)
        shop = open_shop(
            frame.records,
            frame.keystore,
            frame.clock,
            frame.random,
            frame.configs,
            as_orders=as_orders,
            as_shop=as_shop,
            as_console=console,
        )
        application = build_app(
            frame.context(HTTP, console),
            cars_online=lambda: registry.count_online(frame.records, frame.clock, limits),
            routers=[
                registry_web.routes(fleet),
                enrolment_web.routes(enrolment),
                pairing_web.routes(desk, frame.records, root),
                twin_web.routes(garage),
                commands_web.routes(live_commands),
                *shop_routers(shop),
            ],
        )
        await serve(application, listener, config)
