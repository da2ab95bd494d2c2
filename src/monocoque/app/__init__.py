"""The kit for apps of the car: an app is one class with typed signals and a manifest.

    from monocoque.app import App, actuate, read, signals

    class Warmth(App):
        name, version = "warmth", "1.0.0"
        publisher, purpose = "Example", "Turns the climate on while somebody charges the car."
        is_charging = read(signals.IS_CHARGING, bool)
        climate_on = actuate(signals.IS_CLIMATE_ON, bool)

        async def run(self) -> None:
            async for is_charging in self.is_charging.changes():
                await self.climate_on.set(is_charging)

Rules:

* the manifest is read off the class, so what an app uses and what it asks for are one text;
* an app is given its car, time and folder; it works the same in a car and on a stand (testing.py).

docs/guide/apps.md leads from nothing to an app in the virtual car.
Left out on purpose: threads, and anything of the car that is no signal.
"""

from monocoque.app.declaring import Actuate as Actuate
from monocoque.app.declaring import App as App
from monocoque.app.declaring import Provide as Provide
from monocoque.app.declaring import Read as Read
from monocoque.app.declaring import Surroundings as Surroundings
from monocoque.app.declaring import actuate as actuate
from monocoque.app.declaring import manifest_of as manifest_of
from monocoque.app.declaring import provide as provide
from monocoque.app.declaring import read as read
from monocoque.app.line import Line as Line
from monocoque.app.line import Outcome as Outcome
from monocoque.contracts import signals as signals
from monocoque.contracts.apps import Limits as Limits
