"""The kit: an app is one class, its manifest follows from it, and a stand runs it without a car."""

import asyncio

import pytest

from monocoque.app import App, Limits, actuate, loading, manifest_of, provide, read, signals
from monocoque.app.testing import BEGIN_US, Stand
from monocoque.contracts.apps import Access
from monocoque.contracts.errors import AppMalformed, SignalDenied, SignalValueRefused


class Warmth(App):
    """Warms while the car charges."""

    name, version = "warmth", "1.0.0"
    publisher, purpose = "Example", "Turns the climate on\n  while the car charges."
    markets = ("DE",)
    limits = Limits(memory_mb=100)

    charge = read(signals.CHARGE, float)
    climate_on = actuate(signals.IS_CLIMATE_ON, bool)
    same_again = read(signals.IS_CLIMATE_ON)
    cabin = provide(signals.CABIN_TEMPERATURE, float)

    async def run(self) -> None:
        async for charge in self.charge.changes():
            self.log(f"{charge} at {self.now_us()}")
            await self.cabin.say(charge / 2)
            outcome = await self.climate_on.set(charge > 50)
            if not outcome.done:
                self.log(outcome.reason)
                return


def test_the_manifest_follows_from_the_class():
    manifest = manifest_of(Warmth)
    assert (manifest.name, manifest.version, manifest.markets) == ("warmth", "1.0.0", ("DE",))
    assert manifest.purpose == "Turns the climate on while the car charges."
    assert manifest.limits.memory_mb == 100
    assert {wish.path: wish.access for wish in manifest.signals} == {
        signals.CHARGE.path: Access.READ,
        signals.IS_CLIMATE_ON.path: Access.ACTUATE,
        signals.CABIN_TEMPERATURE.path: Access.PROVIDE,
    }


def test_a_class_that_does_not_say_its_purpose_is_refused():
    class Nameless(App):
        name, version, publisher = "nameless", "1.0.0", "Example"

    with pytest.raises(AppMalformed, match="purpose"):
        manifest_of(Nameless)


def test_a_signal_can_be_named_by_its_path():
    assert read("Vehicle.Speed", float).signal is signals.SPEED
    with pytest.raises(AppMalformed, match="Wings"):
        read("Vehicle.Wings")


@pytest.mark.parametrize(
    ("signal", "kind"),
    [
        (signals.SPEED, int),
        (signals.IS_MOVING, float),
        (signals.RANGE, float),
        (signals.SELECTED_GEAR, bool),
    ],
)
def test_a_type_beside_a_signal_is_the_one_of_the_catalogue(signal, kind):
    with pytest.raises(AppMalformed, match="of type"):
        read(signal, kind)


def test_an_app_hears_says_asks_and_is_refused(tmp_path):
    with Stand(Warmth, tmp_path) as stand:
        assert stand.now_us() - BEGIN_US < 10_000
        stand.tell(signals.CHARGE, 60)
        assert stand.value(signals.IS_CLIMATE_ON) is True
        assert stand.value(signals.CABIN_TEMPERATURE) == 30.0
        stand.refuse(signals.IS_CLIMATE_ON, "updating")
        stand.tell(signals.CHARGE, 40)
        assert stand.log[-1] == "updating"
        assert stand.is_over
        stand.refuse(signals.IS_CLIMATE_ON, "")
        assert stand.asked == [
            (signals.IS_CLIMATE_ON.path, True),
            (signals.IS_CLIMATE_ON.path, False),
        ]


def test_a_year_on_a_stand_is_over_at_once(tmp_path):
    class Calendar(Warmth):
        days = 0

        async def run(self) -> None:
            while True:
                await self.sleep(86_400)
                self.days += 1

    with Stand(Calendar, tmp_path) as stand:
        stand.pass_time(365 * 86_400)
        assert isinstance(stand.app, Calendar)
        assert stand.app.days == 365


def test_what_the_manifest_does_not_say_is_denied_on_a_stand_too(tmp_path):
    class Sly(Warmth):
        async def run(self) -> None:
            for what in (
                self.surroundings.line.read([signals.SPEED.path]),
                self.surroundings.line.ask(signals.CHARGE.path, 100.0, 1),
                self.surroundings.line.say({signals.CHARGE.path: 100.0}),
            ):
                with pytest.raises(SignalDenied):
                    await what
            async with asyncio.timeout(1):
                await self.climate_on.set("warm")  # type: ignore[arg-type]

    with pytest.raises(SignalValueRefused), Stand(Sly, tmp_path):
        pass


def test_what_an_app_raises_is_raised_by_its_test(tmp_path):
    class Broken(Warmth):
        async def run(self) -> None:
            await self.sleep(5)
            raise ValueError("oh")

    with Stand(Broken, tmp_path) as stand, pytest.raises(ValueError, match="oh"):
        stand.pass_time(10)


def test_an_app_without_a_run_says_so(tmp_path):
    class Idle(App):
        name, version, publisher, purpose = "idle", "1.0.0", "Example", "Does nothing at all."

    with pytest.raises(NotImplementedError), Stand(Idle, tmp_path):
        pass


ONE = "from monocoque.app import App\nclass One(App): pass\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, r"no app\.py"),
        ("x = 1", "has 0 apps"),
        (ONE + "class Two(App): pass", "has 2 apps"),
        ("1 / 0", "ZeroDivisionError"),
        ("(", "SyntaxError"),
    ],
)
def test_a_folder_without_exactly_one_app_is_refused(tmp_path, text, said):
    if text is not None:
        (tmp_path / "app.py").write_text(text)
    with pytest.raises(AppMalformed, match=said):
        loading.find(tmp_path)


def test_two_folders_have_apps_of_their_own(tmp_path):
    for name in ("One", "Other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text(ONE.replace("One", name))
    assert loading.find(tmp_path / "One").__name__ == "One"
    assert loading.find(tmp_path / "Other").__name__ == "Other"


def test_tests_and_what_is_hidden_stay_out_of_a_package_and_links_are_refused(tmp_path):
    for name in ("app.py", "data.json", "test_app.py", ".env", "__pycache__/app.pyc", "in/x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert set(loading.files_of(tmp_path)) == {"app.py", "data.json", "in/x.txt"}
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(AppMalformed, match="is a link"):
        loading.files_of(tmp_path)


def test_an_entry_that_is_no_app_is_refused(tmp_path):
    (tmp_path / "entry.py").write_text("One = 1")
    with pytest.raises(AppMalformed, match="no app One"):
        loading.load(tmp_path, "entry:One")
