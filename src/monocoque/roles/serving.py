"""HTTP of a cell: the routes of every room on the cell's records, keys and bus.

Left out on purpose: finding the port, and saying where it is; whoever starts this does both.
"""

import json

from monocoque.cloud.enrolment import web as enrolment_web
from monocoque.cloud.enrolment.service import Enrolment
from monocoque.cloud.registry import service as registry
from monocoque.cloud.registry import web as registry_web
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.contracts.topics import Role
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.http.server import Listener, serve
from monocoque.roles.factory import TRUSTED_KEY
from monocoque.roles.http import build_app
from monocoque.roles.parts import HTTP, Frame


async def serve_http(frame: Frame, listener: Listener) -> None:
    """Answer requests until cancelled."""
    config: HttpConfig = frame.configs[HttpConfig]
    limits: RegistryConfig = frame.configs[RegistryConfig]
    factory_key = json.loads(frame.keystore.read(TRUSTED_KEY) or b"{}")
    enrolment = Enrolment(frame.records, frame.clock, factory_key, frame.authority.car_credentials)
    async with frame.connected(Role.CONSOLE) as console:
        fleet = registry_web.Fleet(frame.records, console, frame.clock, limits)
        application = build_app(
            frame.context(HTTP, console),
            cars_online=lambda: registry.count_online(frame.records, frame.clock, limits),
            routers=[registry_web.routes(fleet), enrolment_web.routes(enrolment)],
        )
        await serve(application, listener, config)
