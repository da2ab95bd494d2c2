"""The pace of a long world: the same services with longer pauses, as their settings allow.

Rules:

* only limits that an installation may set too, and only how often something is said or looked for:
  no behaviour is switched off, and each limit keeps its place among the others (a registry that
  counts a car for three hellos does so here too);
* a car that is awake sends its frames at production's pace;
* short worlds, and so most tests, run with production's own limits.

What this leaves out: that it takes three places in a row to arrive (a car that is looked at every
half minute has one), that a person sees every second of a drive, and that a car without power is
missed within 30 s. All are tested at production's pace.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from monocoque.car.body.config import BodyConfig
from monocoque.car.commands.config import CommandsConfig as CarCommandsConfig
from monocoque.car.link.config import LinkConfig
from monocoque.car.scenes.config import ScenesConfig
from monocoque.car.updates.config import UpdatesConfig
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.commands.config import MailboxConfig
from monocoque.cloud.homes.config import HomesConfig
from monocoque.cloud.pairing.config import PairingConfig
from monocoque.cloud.registry.config import RegistryConfig
from monocoque.cloud.releases.config import ReleasesConfig
from monocoque.cloud.telemetry.config import TelemetryConfig
from monocoque.cloud.twin.config import TwinConfig
from monocoque.home.assistant.config import AssistantConfig
from monocoque.home.bridge.config import BridgeConfig
from monocoque.shop.build.config import BuildConfig
from monocoque.shop.orders.config import OrdersConfig
from monocoque.shop.practice.config import PracticeConfig
from monocoque.sim.echo.config import EchoConfig
from monocoque.sim.habits import HabitsConfig
from monocoque.sim.people import PeopleConfig
from monocoque.sim.setting import ROOMY_HOMES
from monocoque.sim.workshop import WorkshopConfig

_HELLO_S: Final = 900.0
_REQUESTS_MAX: Final = 10_000
"""Everybody who takes a car over signs in as the same person here."""

LONG_CALM_S: Final = 3_600.0
"""How long the end without trouble takes: longer than every pause of these."""
LONG_CHECK_INTERVAL_S: Final = 1_800.0
LONG_CALL_OFF_SHARE: Final = 0.3
"""How many of those who buy during the days call their first order off."""
LONG_PEOPLE: Final = PeopleConfig(first_look_s=4.0, look_s_min=2.0)
"""Who pressed a button looks a moment later what became of it."""
LONG_HABITS: Final = HabitsConfig(
    valid_for_s=600,
    warm_within_s=10_800.0,
    later_s_max=3_600.0,
    offer_look_s_min=120.0,
    offer_look_s_max=3_600.0,
)
LONG_SOFTWARE: Final = WorkshopConfig(soak_s=1_800, silent_s=3_600)
LONG_FAULTS_RARER: Final = 3.0
"""So many times less often something is cut, killed or without power: who pauses longer would else
do little but begin again."""
LONG: Final[Mapping[type, Any]] = {
    BodyConfig: BodyConfig(
        look_interval_s=900.0,
        look_moving_interval_s=60.0,
        attentive_s=30.0,
        look_attentive_interval_s=5.0,  # seen while it is still where it stood: sight_jump_m_max
        say_interval_s_max=3_600.0,
    ),
    LinkConfig: LinkConfig(
        hello_interval_s=_HELLO_S,
        hello_retry_s=60.0,
        state_interval_s=3_000.0,
        outbox_retry_s=20.0,
        crossing_retry_s=5.0,
        charging_frame_interval_s=300.0,
        asleep_look_s=3_000.0,
        spool_retry_s=20.0,
        resend_after_s_min=240.0,
        resend_after_s_max=1_200.0,
    ),
    CarCommandsConfig: CarCommandsConfig(repeat_pause_s_min=30.0, records_retry_s=2.0),
    RegistryConfig: RegistryConfig(
        online_window_s=round(3 * _HELLO_S),
        silence_check_s=30.0,
        events_wait_s=300.0,
        flush_interval_s=5.0,
        retry_s=10.0,
    ),
    TwinConfig: TwinConfig(flush_interval_s=5.0, retry_s=10.0),
    MailboxConfig: MailboxConfig(
        look_s=300.0, hello_flush_s=5.0, receipts_wait_s=300.0, confirm_pause_s=5.0, retry_s=10.0
    ),
    ScenesConfig: ScenesConfig(fixes_needed=1, sight_gap_s_max=900.0),
    AssistantConfig: AssistantConfig(look_interval_s=14_400.0),
    HomesConfig: replace(
        ROOMY_HOMES,
        look_s_max=900.0,
        ties_look_s=900.0,
        outcomes_wait_s=300.0,
        online_window_s=3 * _HELLO_S,
    ),
    BridgeConfig: BridgeConfig(hello_interval_s=_HELLO_S, state_interval_s=3_000.0),
    UpdatesConfig: UpdatesConfig(
        poll_interval_s=14_400.0,
        silence_s_max=43_200.0,
        look_interval_s=1_800.0,
        retry_pause_s_min=30.0,
        retry_pause_s_max=1_200.0,
    ),
    ReleasesConfig: ReleasesConfig(look_interval_s=600.0),
    CampaignsConfig: CampaignsConfig(flush_interval_s=1.0, look_s=600.0, look_s_min=1.0),
    TelemetryConfig: TelemetryConfig(batch_interval_s=60.0, fetch_wait_s=300.0, retry_s=20.0),
    PairingConfig: PairingConfig(
        send_interval_s=300.0,
        answers_wait_s=300.0,
        retry_s=10.0,
        requests_per_day_max=_REQUESTS_MAX,
    ),
    OrdersConfig: OrdersConfig(look_s_max=900.0, builds_wait_s=300.0, retry_s=10.0),
    PracticeConfig: PracticeConfig(look_s_max=900.0),
    BuildConfig: BuildConfig(
        look_interval_s=900.0, orders_wait_s=300.0, requests_wait_s=300.0, retry_s=10.0
    ),
    EchoConfig: EchoConfig(ask_interval_s=7_200.0, answer_wait_s=300.0, listen_s=3_000.0),
}
"""By the type of the limits."""
