"""The machine's clock is set back while everything runs: that is said and counted, and no more.

Rules: real processes on a clock that a file sets (set_clock/), two days back, which is longer than
a sign-in link lives. What counts is what people have and see: their session, a new link, which cars
are there; also when processes start on the wrong clock, beside others that went on counting.
"""

import json
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path

import pytest

from monocoque.contracts import errors
from monocoque.phone.accounts.config import DAY_S
from monocoque.plumbing.process_file import read_process_file, send_signal
from monocoque.roles.clock import CLOCK_LOOK_S
from tests.e2e.installation import COMMAND_S_MAX, START_S_MAX, Installation, wait_until

CARS = 2
BACK_S = 2 * DAY_S
COUNTED_S_MAX = 4 * CLOCK_LOOK_S
HEARD_S_MAX = 40
HELLO_S = 2.0
"""Cars speak often here, so that nobody waits long."""
WENT_BACK = errors.ClockWentBack.code


class SetBack(Installation):
    """An installation on a machine whose clock somebody sets back."""

    def __init__(self, directory: Path) -> None:
        self._clock = directory / "clock"
        self._clock.write_text("0")
        folder = Path(__file__).with_name("set_clock")
        environment = {"PYTHONPATH": str(folder), "SET_CLOCK_FILE": str(self._clock)}
        super().__init__(directory, CARS, environment)

    def set_clock_back(self) -> None:
        """As somebody with `date --set` would."""
        beside = self._clock.with_suffix(".new")
        beside.write_text(str(-BACK_S))
        beside.replace(self._clock)

    def last_time_us(self) -> int:
        """The latest time that is known to be on record."""
        return int((self.data / "last_time").read_text())

    def ask(self, path: str, cookie: str = "", body: object = None) -> tuple[int, str]:
        """Ask the console; status, and the cookie that is set or the body."""
        headers = {"Host": f"console.localhost:{self.port}"}
        if cookie:
            headers["Cookie"] = cookie
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers=headers,
        )
        try:
            with urllib.request.urlopen(request, timeout=COMMAND_S_MAX) as answer:
                set_cookie = answer.headers["Set-Cookie"] or ""
                return answer.status, set_cookie.partition(";")[0] or answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def sign_in(self, link: str) -> str:
        """The cookie of a new session."""
        status, cookie = self.ask("/api/session", body={"link_code": link.partition("#")[2]})
        assert status == 204, cookie
        return cookie

    def heard(self, cookie: str) -> dict[str, str]:
        """When the console says that each car was heard."""
        status, body = self.ask("/api/cars", cookie)
        assert status == 200, body
        return {car["car_id"]: car["last_hello_at"] for car in json.loads(body)["cars"]}


@pytest.fixture
def set_back(tmp_path: Path) -> Generator[SetBack]:
    """One that runs while its clock is set back; ended by the test's end."""
    installation = SetBack(tmp_path)
    installation.data.mkdir()
    (installation.data / "monocoque.toml").write_text(f"[link]\nhello_interval_s = {HELLO_S}\n")
    installation.start()
    yield installation
    assert installation.stop() == 0


def _heard_anew(installation: SetBack, cookie: str) -> None:
    """Every car says hello again, and is there, for everybody who looks."""
    before = installation.heard(cookie)
    assert len(before) == CARS

    def newer() -> bool:
        now = installation.heard(cookie)
        return all(now[car] > before[car] for car in before)

    wait_until("every car is heard anew, later than before", newer, HEARD_S_MAX)
    assert installation.cars_online() == CARS


def test_a_clock_set_back_while_running_is_counted_and_disturbs_nothing(
    set_back: SetBack,
) -> None:
    link = set_back.sign_in_link("console")
    cookie = set_back.sign_in(set_back.sign_in_link("console"))
    began_us = time.time_ns() // 1_000

    set_back.set_clock_back()
    for process in ("cell", "car"):
        wait_until(
            f"it is counted by the {process}",
            lambda process=process: (
                set_back.counted("monocoque_errors_total", where=process, code=WENT_BACK) == 1
            ),
            COUNTED_S_MAX,
        )
    said = [json.loads(x) for x in set_back.printed().splitlines() if WENT_BACK in x]
    assert {line["hint"] for line in said} == {errors.ClockWentBack.default_hint}
    _heard_anew(set_back, cookie)
    set_back.sign_in(link)
    wait_until("the time is noted", lambda: set_back.last_time_us() > began_us, COUNTED_S_MAX)

    # What starts now begins where the others are: a command, and the cars' process.
    set_back.sign_in(set_back.sign_in_link("console"))
    cars = read_process_file(set_back.data / "run/cars.json")
    assert cars is not None
    send_signal(cars, signal.SIGKILL)
    _heard_anew(set_back, cookie)
    added = set_back.start_car()
    wait_until("a new car", lambda: set_back.cars_online() == CARS + 1, START_S_MAX)
    added.send_signal(signal.SIGINT)
    assert added.wait(START_S_MAX) == 0
    assert set_back.counted("monocoque_messages_refused_total") == 0

    doctor = set_back.typed("doctor", "--json", "--data", str(set_back.data))
    wrong = [finding for finding in json.loads(doctor.stdout)["findings"] if finding["code"]]
    assert [(finding["what"], finding["code"]) for finding in wrong] == [("clock", WENT_BACK)]
