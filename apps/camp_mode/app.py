"""Camp mode: keeps the cabin at a temperature through the night, above a floor of the battery.

Rules:

* the climate goes on when the cabin has left the band around the wish, and off in its middle, so
  that it does not switch every minute;
* shortly above the floor it ends for this night, says why, and begins again only when the battery
  is clearly above the floor;
* who drives off, or switches the climate by hand, is right.

Left out on purpose: warming before the driver comes; that is a scene.
"""

import asyncio
import json

from monocoque.app import App, Limits, actuate, read, signals

FLOOR_PERCENT = 20.0
MARGIN_PERCENT = 0.5
"""So much above the floor it ends: from one look to the next, the battery may go on losing."""
AGAIN_PERCENT = 25.0
"""After the floor was reached, so full must the battery be before it begins again."""
WISH_CELSIUS = 20.0
BAND_CELSIUS = 1.5
LOOK_S = 30.0


def decide(is_on: bool, cabin_celsius: float) -> bool:
    """Whether the climate should be on: it changes at the edge of the band, and in its middle."""
    away_celsius = abs(cabin_celsius - WISH_CELSIUS)
    if is_on:
        return away_celsius > BAND_CELSIUS / 3
    return away_celsius > BAND_CELSIUS


class CampMode(App):
    """Climate through the night."""

    name, version = "camp-mode", "1.0.0"
    publisher = "Monocoque"
    purpose = (
        "Keeps the cabin of a parked car at 20 degrees through the night, and stops before the "
        "battery has less than 20 percent."
    )
    limits = Limits(memory_mb=192, cpu_percent=10, start_s=20)

    charge = read(signals.CHARGE, float)
    cabin = read(signals.CABIN_TEMPERATURE, float)
    is_moving = read(signals.IS_MOVING, bool)
    climate_on = actuate(signals.IS_CLIMATE_ON, bool)

    is_below_floor = False
    has_switched_on = False
    why = ""

    async def run(self) -> None:
        """Look at car and battery until the end of the night, which is a person's to say."""
        while True:
            await self.look()
            await self.sleep(LOOK_S)

    async def look(self) -> None:
        """Do what is right now, and say why when that has changed."""
        charge, cabin, is_moving, is_on = await asyncio.gather(
            self.charge.get(), self.cabin.get(), self.is_moving.get(), self.climate_on.get()
        )
        if charge is None or cabin is None:
            self.say("nobody knows yet how full the battery and how warm the cabin is")
            return
        ends_percent = FLOOR_PERCENT + MARGIN_PERCENT
        self.is_below_floor = charge < (AGAIN_PERCENT if self.is_below_floor else ends_percent)
        if is_moving:
            self.has_switched_on = False
            self.say("the car is driven, and the driver decides")
        elif self.is_below_floor:
            await self.switch(False, f"the battery is at {charge:.0f} percent, the floor is near")
        elif is_on and not self.has_switched_on:
            self.say("somebody else has the climate on")
        else:
            wanted = decide(bool(is_on), cabin)
            await self.switch(wanted, f"{'climate' if wanted else 'quiet'} at {round(cabin)} °C")

    async def switch(self, wanted: bool, why: str) -> None:
        """Switch the climate, when it is not so already and, to end it, when it was us."""
        if wanted is (await self.climate_on.get() is True) or not (wanted or self.has_switched_on):
            self.say(why)
            return
        outcome = await self.climate_on.set(wanted)
        if outcome.done:
            self.has_switched_on = wanted
            self.say(why)
        else:
            self.say(f"the car refuses: {outcome.reason}")

    def say(self, why: str) -> None:
        """Write the reason down when it is a new one; the last one is kept in the folder."""
        if why != self.why:
            self.why = why
            self.log(why)
            text = json.dumps({"at_us": self.now_us(), "why": why}, ensure_ascii=False)
            (self.data / "why.json").write_text(text, encoding="utf-8")
