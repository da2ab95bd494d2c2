"""The pace of a long world: the same services with longer pauses, as their settings allow.

Rules:

* only limits that an installation may set too, and only how often something is said or looked for:
  no behaviour is switched off, and each limit keeps its place among the others (a registry that
  counts a car for three hellos does so here too);
* a car that is awake sends its frames at production's pace;
* short worlds, and so most tests, run with production's own limits.

What this leaves out: that a person sees every second of a drive, and that a car without power is
missed within 30 s. Both are tested at production's pace.
"""

from collections.abc import Mapping
from typing import Any, Final

from monocoque.car.body.config import BodyConfig
from monocoque.car.link.config import LinkConfig
from monocoque.car.scenes.config import ScenesConfig
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.telemetry.config import TelemetryConfig
from monocoque.cloud.twin.config import TwinConfig
from monocoque.shop.build.config import BuildConfig
from monocoque.shop.orders.config import OrdersConfig
from monocoque.shop.practice.config import PracticeConfig
from monocoque.sim.echo.config import EchoConfig

_HELLO_S: Final = 600.0
_REQUESTS_MAX: Final = 10_000
"""Everybody who takes a car over signs in as the same person here."""

LONG_CALM_S: Final = 3_600.0
"""How long the end without trouble takes: longer than every pause of these."""
LONG_CHECK_INTERVAL_S: Final = 1_800.0
LONG: Final[Mapping[type, Any]] = {
    BodyConfig: BodyConfig(
        look_interval_s=300.0, look_moving_interval_s=30.0, say_interval_s_max=3_000.0
    ),
    LinkConfig: LinkConfig(
        hello_interval_s=_HELLO_S,
        state_interval_s=3_000.0,
        asleep_look_s=3_000.0,
        resend_after_s_min=120.0,
    ),
    ScenesConfig: ScenesConfig(fixes_needed=1),  # a car that is looked at twice a minute
    RegistryConfig: RegistryConfig(
        online_window_s=round(3 * _HELLO_S), silence_check_s=30.0, events_wait_s=300.0
    ),
    TwinConfig: TwinConfig(flush_interval_s=1.0),
    MailboxConfig: MailboxConfig(look_s=60.0, receipts_wait_s=300.0),
    TelemetryConfig: TelemetryConfig(batch_interval_s=20.0, fetch_wait_s=300.0),
    PairingConfig: PairingConfig(
        send_interval_s=60.0, answers_wait_s=300.0, requests_per_day_max=_REQUESTS_MAX
    ),
    OrdersConfig: OrdersConfig(look_s_max=300.0, builds_wait_s=300.0),
    PracticeConfig: PracticeConfig(look_s_max=300.0),
    BuildConfig: BuildConfig(look_interval_s=300.0, orders_wait_s=300.0, requests_wait_s=300.0),
    EchoConfig: EchoConfig(ask_interval_s=7_200.0, answer_wait_s=300.0, listen_s=300.0),
}
"""By the type of the limits."""
