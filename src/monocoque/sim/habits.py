"""What an owner does beside pressing buttons: has a home and scenes, agrees to updates or not.

Rules:

* an owner hears of a release as by a letter, and looks at the phone then; to agree is a command
  that the owner's key signs;
* who has a car lets it belong to a home, and puts two scenes: the lamp goes on when the car comes
  home, and car and home are warm at a minute of the day;
* some decline, which is to say nothing; some let it wait for a while;
* to which releases somebody agreed is kept here, and nowhere else.

Left out on purpose: taking an agreement back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from monocoque.car.body.logic import HOME_LATITUDE_DEGREES, HOME_LONGITUDE_DEGREES
from monocoque.contracts import identifiers
from monocoque.contracts.scenes import (
    CAR_CLIMATE,
    DAYS,
    HEAT_PUMP,
    LAMP_ON,
    Action,
    Arrive,
    AtTime,
    Place,
    Scene,
    scene_text,
)
from monocoque.plumbing.clock import Clock
from monocoque.sim.people import Person
from monocoque.trust.outcomes import Outcome
from monocoque.trust.scopes import SCENE_PUT, UPDATE

DECIDED: Final = frozenset({"given", "over"})
"""How an owner stands to an update when there is nothing more to say."""


@dataclass(frozen=True)
class HabitsConfig:
    """How owners are."""

    away_s_min: int = 1_800
    """A car that comes home counts when it was away for so long."""
    valid_for_s: int = 60
    warm_minute: int | None = None
    """At which minute of the day it is to be warm, in Zurich; some minute soon when None."""
    warm_within_s: float = 300.0
    """How soon, at most."""
    decline_share: float = 0.1
    """How many say nothing to an update."""
    later_share: float = 0.2
    """How many let it wait."""
    later_s_max: float = 60.0
    offer_look_s_min: float = 2.0
    offer_look_s_max: float = 60.0
    """Pauses between two looks whether the car has something to agree to double from the first to
    the second of these."""


class Habits:
    """Those of the owner of one car."""

    def __init__(
        self,
        person: Person,
        home: Callable[[str], Awaitable[tuple[str, str | None]]],
        clock: Clock,
        random: Random,
        config: HabitsConfig,
    ) -> None:
        """home: the home of a car, with a code while nobody has taken it. clock: true time."""
        self.arrive_id = identifiers.make("scene", random.getrandbits)
        self.warm_id = identifiers.make("scene", random.getrandbits)
        self.warm_since_s: float | None = None
        """When the second of them was sent first, in virtual seconds."""
        self._home = home
        self._clock = clock
        self.car_id = person.car_id
        self.agreed: set[int] = set()
        """The releases to which the owner sent an agreement."""
        self._person = person
        self._random = random
        self._config = config
        self._number = 0
        """Of the newest release that was heard of."""
        self._has_news = asyncio.Event()
        self._is_resting = False

    def announce(self, number: int) -> None:
        """There is a new release."""
        self._number = number
        self._has_news.set()

    def rest(self) -> None:
        """Nothing new from now on."""
        self._is_resting = True

    async def live(self) -> None:
        """Deal with each release, until cancelled."""
        await self._person.has_car.wait()
        await self._tie()
        await self._put(self._coming_home())
        self.warm_since_s = asyncio.get_running_loop().time()
        await self._put(self._being_warm())
        while not self._is_resting:
            await self._has_news.wait()
            self._has_news.clear()
            await self._consider(self._number)

    # --- home and scenes ----------------------------------------------------------------------

    async def _tie(self) -> None:
        """Let the car belong to a home, which is taken if nobody has."""
        while not self._is_resting:
            home_id, code = await self._home(self.car_id)
            if code is None:
                path = f"/api/homes/{home_id}/cars/{self.car_id}"
                answer = await self._person.ask("PUT", path)
            else:
                wanted = {"code": code, "car_id": self.car_id}
                answer = await self._person.ask("POST", "/api/homes", wanted)
            if answer.is_success:
                return
            await asyncio.sleep(self._random.uniform(1.0, 10.0))  # somebody has a newer code

    async def _put(self, scene: Scene) -> None:
        """Send the scene until the car has it."""
        while not self._is_resting:
            sent = await self._person.command(SCENE_PUT.name, {"scene": scene_text(scene)})
            if sent.state == Outcome.DONE:
                return
            await asyncio.sleep(self._config.offer_look_s_min)

    def _coming_home(self) -> Scene:
        place = Place(
            round(HOME_LATITUDE_DEGREES * 1e7), round(HOME_LONGITUDE_DEGREES * 1e7), 150, 300
        )
        return Scene(
            scene_id=self.arrive_id,
            name="Light for coming home",
            when=Arrive(place, self._config.away_s_min),
            do=(Action(LAMP_ON, {}),),
            valid_for_s=self._config.valid_for_s,
        )

    def _being_warm(self) -> Scene:
        minute, zone = self._config.warm_minute, "Europe/Zurich"
        if minute is None:
            soon_s = self._random.uniform(60.0, self._config.warm_within_s)
            minute = int((self._clock.now_us() / 1e6 + soon_s) / 60) % (24 * 60)
            zone = "UTC"
        return Scene(
            scene_id=self.warm_id,
            name="Warm in the morning",
            when=AtTime(minute, DAYS, zone),
            do=(
                Action(CAR_CLIMATE, {"on": True, "temperature_decicelsius": 210}),
                Action(HEAT_PUMP, {"target_decicelsius": 210}),
            ),
            valid_for_s=self._config.valid_for_s,
        )

    # --- updates ------------------------------------------------------------------------------

    async def _consider(self, number: int) -> None:
        config, mood = self._config, self._random.random()
        if mood < config.decline_share:
            return
        if mood < config.decline_share + config.later_share:
            await asyncio.sleep(self._random.uniform(0.0, config.later_s_max))
        pause_s = config.offer_look_s_min
        while not self._is_resting and number == self._number:
            update = (await self._person.ask("GET", f"/api/cars/{self.car_id}/update")).json()
            offered = update["release"]
            if offered is not None and offered["number"] == number:
                if update["can_agree"]:
                    self.agreed.add(number)
                    arguments = {"release_number": number, "agreed": True}
                    await self._person.command(UPDATE.name, arguments)
                elif update["consent"] in DECIDED:
                    return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, config.offer_look_s_max)
