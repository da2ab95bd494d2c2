"""What an owner does beside pressing buttons: agrees to updates, or not.

Rules:

* an owner hears of a release as by a letter, and looks at the phone then; to agree is a command
  that the owner's key signs;
* some decline, which is to say nothing; some let it wait for a while;
* to which releases somebody agreed is kept here, and nowhere else.

Left out on purpose: taking an agreement back.
"""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Final

from monocoque.sim.people import Person
from monocoque.trust.scopes import UPDATE

DECIDED: Final = frozenset({"given", "over"})
"""How an owner stands to an update when there is nothing more to say."""


@dataclass(frozen=True)
class HabitsConfig:
    """How owners are."""

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

    def __init__(self, person: Person, random: Random, config: HabitsConfig) -> None:
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
        while not self._is_resting:
            await self._has_news.wait()
            self._has_news.clear()
            await self._consider(self._number)

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
