"""Writes the OpenAPI document without starting anything: ``python -m monocoque.roles.openapi``.

The pages' typed client is generated from what it prints.
"""

import json
import sys
from random import Random
from types import SimpleNamespace
from typing import Any, Never, cast

from monocoque.cloud.campaigns import web as campaigns_web
from monocoque.cloud.commands import web as commands_web
from monocoque.cloud.enrolment import web as enrolment_web
from monocoque.cloud.pairing import web as pairing_web
from monocoque.cloud.registry import web as registry_web
from monocoque.cloud.twin import web as twin_web
from monocoque.contracts.errors import DefectError
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.plumbing.clock import SystemClock
from monocoque.plumbing.http.config import HttpConfig
from monocoque.plumbing.logging import get_log
from monocoque.plumbing.metrics import Metrics
from monocoque.plumbing.service import Context
from monocoque.roles.http import build_app
from monocoque.shop.configurator import web as configurator_web
from monocoque.shop.configurator.service import load_engine
from monocoque.shop.orders import web as orders_web
from monocoque.shop.quotes import web as quotes_web


class _Absent:
    """In place of what a route would use if it ran; here none runs."""

    def __getattr__(self, name: str) -> Never:
        raise DefectError(f"Writing the document used {name}; only running routes may.")


def document() -> dict[str, Any]:
    """The OpenAPI document of every room."""
    absent = cast(Any, _Absent())
    context = Context(
        machine_id="cell",
        service_name="http",
        clock=SystemClock(),
        random=Random(0),  # noqa: S311 - nothing is drawn from it
        bus=absent,
        records=absent,
        keystore=absent,
        metrics=Metrics(),
        log=get_log("monocoque.http"),
        disk_free_bytes=lambda: 0,
        software_version="1",
        configs={HttpConfig: HttpConfig(), AccountsConfig: AccountsConfig()},
    )
    engine = load_engine()
    application = build_app(
        context,
        cars_online=absent,
        routers=[
            registry_web.routes(absent, absent),
            enrolment_web.routes(absent),
            pairing_web.routes(absent, absent, {}),
            twin_web.routes(absent),
            commands_web.routes(cast(Any, SimpleNamespace(mailbox=absent))),
            campaigns_web.console_routes(absent),
            campaigns_web.phone_routes(absent),
            configurator_web.routes(engine),
            quotes_web.routes(cast(Any, SimpleNamespace(engine=engine)), absent, 0.0),
            orders_web.routes(absent),
        ],
        pages_directory=None,
    )
    return application.openapi()


def main() -> None:
    """Print the document."""
    json.dump(document(), sys.stdout, indent=2, sort_keys=True, ensure_ascii=False)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
