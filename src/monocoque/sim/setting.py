"""What a world is made of: its seed, its people, its length, its faults.

Left out on purpose: what the services bear. Their limits are production's, but for the few that a
world with many people behind one account needs, and for what ``limits`` says (pace.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from monocoque.cloud.homes.config import HomesConfig
from monocoque.contracts.topics import Role
from monocoque.contracts.weeks import WeekConfig
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.roles.table import SERVICES, MachineKind, ServiceRow
from monocoque.shop.quotes.config import QuoteConfig
from monocoque.sim.buyers import BuyersConfig
from monocoque.sim.driving import DrivingConfig
from monocoque.sim.echo import service as echo
from monocoque.sim.echo.config import EchoConfig
from monocoque.sim.faults import Faults
from monocoque.sim.habits import HabitsConfig
from monocoque.sim.people import PeopleConfig
from monocoque.sim.power import Life, Power
from monocoque.sim.sabotage import NOTHING_BROKEN, Sabotage
from monocoque.sim.workshop import WorkshopConfig

SESSIONS_PER_PERSON: Final = 3
"""How many sign-in links and sessions there is room for, times the people, who share an account."""
ROOMY_HOMES: Final = HomesConfig(
    homes_per_person_max=10_000, cars_per_home_max=10_000, wrong_codes_per_day_max=10_000
)
"""Everybody's homes belong to the same person here."""
CALM_S: Final = 300.0
"""How long the end without trouble takes: longer than every wait, pause and redelivery."""
WEEK_S: Final = 120.0
"""How long a production week takes in a world: short, so that its days begin soon."""

ASKER: Final = ServiceRow(
    name="asker",
    machine=MachineKind.CAR,
    role=Role.ECHO,
    run=echo.ask,
    configs=(EchoConfig,),
    purpose="Asks over the uplink, and notes every answer.",
)
ANSWERER: Final = ServiceRow(
    name="answerer",
    machine=MachineKind.CELL,
    role=Role.ECHO,
    run=echo.answer,
    configs=(EchoConfig,),
    purpose="Answers every question once, in order.",
)
ECHO_SERVICES: Final = (ASKER, ANSWERER)
WITHOUT_DOOR: Final = (
    *(
        row
        for row in SERVICES
        if row.machine is not MachineKind.FACTORY and row.role not in (Role.ORDERS, Role.CAMPAIGNS)
    ),
    *ECHO_SERVICES,
)
"""For a world without factory, shop, HTTP, people and updates, which need keys of the factory."""
OnEvent = Callable[[Power, Life], None]
"""Called after every event in a life; tests kill by it."""


def _to_nobody(_hours: float) -> None:
    """Nobody waits."""


@dataclass(frozen=True)
class Setting:
    """What a world is made of."""

    seed: int
    cars: int = 1
    """How many are there from the beginning, each with somebody who takes it over."""
    buyers: int = 0
    """How many people order a car before the world's days begin; the days wait for the cars."""
    late_buyers: int = 0
    """How many more order one in the first half of its days."""
    ordered_cars_max: int = 16
    """For how many more people there is room, whose cars leave the factory's line later."""
    duration_s: float = 3_600.0
    """Virtual time of the days; the calm at the end comes on top."""
    prologue_s_max: float = 86_400.0
    """How long the days wait for the cars of the buyers, at most."""
    calm_s: float = CALM_S
    check_interval_s: float = 300.0
    """Pause between two checks of the invariants."""
    faults: Faults = field(default_factory=Faults.none)
    services: tuple[ServiceRow, ...] = (*SERVICES, *ECHO_SERVICES)
    weeks: WeekConfig | None = None
    """The factory's pace; weeks of two minutes for half of the buyers, when it is not said."""
    limits: Mapping[type, Any] = field(default_factory=dict)
    """Other limits of services than their defaults, by their type."""
    echo: EchoConfig = field(default_factory=EchoConfig)
    people: PeopleConfig = field(default_factory=PeopleConfig)
    shopping: BuyersConfig = field(default_factory=BuyersConfig)
    cars_per_home: int = 4
    """How many buyers' cars belong to one home."""
    late_call_off_share: float = 0.0
    """How many of the late buyers call their first order off."""
    driving: DrivingConfig = field(default_factory=DrivingConfig)
    """How the buyers drive. Whoever has a car from the beginning leaves it where it is."""
    habits: HabitsConfig = field(default_factory=HabitsConfig)
    """What buyers do beside that."""
    software: WorkshopConfig = field(default_factory=WorkshopConfig)
    """How new software is made for the buyers' cars."""
    sabotage: Sabotage = NOTHING_BROKEN
    on_event: OnEvent | None = None
    progress: Callable[[float], object] = _to_nobody
    """Told the virtual hours that are over, each minute of them."""

    @property
    def has_door(self) -> bool:
        """Whether there is a factory, and so HTTP, births and people."""
        return any(row.machine is MachineKind.FACTORY for row in self.services)

    @property
    def pace(self) -> WeekConfig:
        """The pace of shop and factory."""
        half = -(-(self.buyers + self.late_buyers) // 2)
        return self.weeks or WeekConfig(week_duration_s=WEEK_S, slots_per_week=max(2, half))

    @property
    def accounts(self) -> AccountsConfig:
        """Production's limits, with room for everybody behind one account."""
        usual = AccountsConfig()
        room = SESSIONS_PER_PERSON * self.people_max
        return AccountsConfig(
            links_per_person_max=max(usual.links_per_person_max, room),
            sessions_per_person_max=max(usual.sessions_per_person_max, room),
        )

    @property
    def own_limits(self) -> dict[type, Any]:
        """The limits that a world sets itself, by their type."""
        return {
            EchoConfig: self.echo,
            AccountsConfig: self.accounts,
            WeekConfig: self.pace,
            QuoteConfig: QuoteConfig(),
            HomesConfig: ROOMY_HOMES,
        }

    @property
    def homes(self) -> int:
        """How many homes there are."""
        return -(-(self.buyers + self.late_buyers) // self.cars_per_home)

    @property
    def people_max(self) -> int:
        """For how many people there is room."""
        return self.cars + self.buyers + self.late_buyers + self.ordered_cars_max
