"""The commands, as a person types them: what they print, how they end, what they leave behind."""

import json
import re
import signal
import socket
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from monocoque import __version__
from monocoque.contracts import errors
from monocoque.plumbing.process_file import ProcessFile, is_alive, read_process_file
from monocoque.sim.sabotage import SABOTAGES
from tests.e2e.installation import (
    COMMAND_S_MAX,
    MONOCOQUE,
    START_S_MAX,
    Installation,
    wait_until,
)
from tests.fixtures.ports import reserved_port

CARS = 3


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Installation]:
    """An installation with three cars, for tests that do not stop it."""
    installation = Installation(tmp_path_factory.mktemp("running"), CARS)
    installation.start()
    yield installation
    assert installation.stop() == 0


def typed(directory: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """What a command prints, and how it ends."""
    return subprocess.run(
        [MONOCOQUE, *words],
        capture_output=True,
        text=True,
        timeout=COMMAND_S_MAX,
        cwd=directory,
        check=False,
    )


def assert_refused(done: "subprocess.CompletedProcess[str]", hint: str) -> None:
    """It ends with 1, and its last line says what to do now."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == hint
    assert done.stdout == ""


def content_of(directory: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def processes_of(data: Path) -> dict[str, ProcessFile]:
    """What runs on a data directory, by name."""
    found = {path.stem: read_process_file(path) for path in (data / "run").glob("*.json")}
    return {name: process for name, process in found.items() if process is not None}


def findings_of(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """What the doctor found, by what was looked at."""
    return {finding["what"]: finding for finding in json.loads(done.stdout)["findings"]}


def test_the_version_is_printed(tmp_path: Path) -> None:
    done = typed(tmp_path, "--version")
    assert (done.returncode, done.stdout) == (0, f"monocoque {__version__}\n")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        pytest.param(["run", "nonsense"], errors.RoleUnknown.default_hint, id="role"),
        pytest.param(["run", "car"], errors.CellUnreachable.default_hint, id="car-without-cell"),
        pytest.param(
            ["sign-in", "console"], errors.CellUnreachable.default_hint, id="link-without-cell"
        ),
        pytest.param(["sign-in", "garage"], "Say shop, phone or console.", id="site"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(
    words: list[str], hint: str, tmp_path: Path
) -> None:
    assert_refused(typed(tmp_path, *words, "--data", "data"), hint)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("words", "taken"),
    [
        pytest.param(
            ["car", "--port", "0"],
            "--broker, --broker-token, --can, --car, --dbc, --lenient, --map, --until-input-ends, "
            "--vss",
            id="car",
        ),
        pytest.param(
            ["cars", "--car", "c"], "--cars, --until-input-ends, --vss, --when-told", id="cars"
        ),
        pytest.param(
            ["cell", "--until-input-ends"], "--cars, --homes, --port, --without", id="cell"
        ),
        pytest.param(["http", "--without", "registry"], "--port", id="http"),
        pytest.param(["registry", "--cars", "0"], "none beside --data", id="registry"),
    ],
)
def test_an_option_of_another_role_is_refused(words: list[str], taken: str, tmp_path: Path) -> None:
    hint = f"Leave it out; options of {words[0]}: {taken}."
    assert_refused(typed(tmp_path, "run", *words, "--data", "data"), hint)
    assert not (tmp_path / "data").exists()


def test_a_port_in_use_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = typed(tmp_path, "up", "--port", port, "--data", "data")
    assert_refused(done, errors.PortInUse.default_hint)
    assert not (tmp_path / "data").exists()


def test_a_start_takes_the_port_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "data/monocoque.toml").write_text(f"port = {port}\n")
        done = typed(tmp_path, "up", "--data", "data")
    assert_refused(done, errors.PortInUse.default_hint)
    assert str(port) in done.stderr


def test_data_of_a_newer_version_are_left_untouched(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "VERSION").write_text(json.dumps({"format": 1, "product": "999.0"}))
    before = content_of(data)
    done = typed(tmp_path, "up", "--port", "0", "--data", "data")
    assert_refused(done, errors.DataDirectoryNewer.default_hint)
    assert content_of(data) == before


def test_a_corrupted_database_is_refused_and_kept(tmp_path: Path) -> None:
    database = tmp_path / "data/cell/records/records.sqlite"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"no database" * 1_000)
    stamp = {"format": 1, "product": __version__}
    (tmp_path / "data/VERSION").write_text(json.dumps(stamp))
    done = typed(tmp_path, "up", "--port", "0", "--data", "data")
    assert_refused(
        done,
        "There is no snapshot of it; move cell/records/records.sqlite away to begin with an "
        "empty one.",
    )
    assert database.read_bytes() == b"no database" * 1_000


def test_data_in_use_are_refused(running: Installation) -> None:
    port = str(reserved_port())
    done = typed(running.directory, "up", "--port", port, "--data", str(running.data))
    assert_refused(done, errors.DataDirectoryInUse.default_hint)
    wait_until("the cars are counted", lambda: running.cars_online() >= CARS, START_S_MAX)


def test_one_seed_gives_one_world(tmp_path: Path) -> None:
    words = ["world", "--cars", "1", "--hours", "0.05", "--json", "--seed", "3"]
    first, again = (json.loads(typed(tmp_path, *words).stdout) for _ in range(2))
    for report in (first, again):
        assert report.pop("wall_seconds") > 0
    assert first == again
    assert (first["seed"], first["cars"], first["orders"], first["violations"]) == (3, 2, 1, [])


def test_a_world_that_was_sabotaged_ends_badly_and_says_what_does_not_hold(tmp_path: Path) -> None:
    words = ["world", "--cars", "0", "--hours", "0.1", "--sabotage", "order_lost"]
    done = typed(tmp_path, *words, "--json", "--page", "told.html")
    assert done.returncode == 1
    assert json.loads(done.stdout)["violations"] == ["order_lost"]
    assert "order_lost" in (tmp_path / "told.html").read_text(encoding="utf-8")
    assert_refused(
        typed(tmp_path, "world", "--sabotage", "nothing"), f"Say one of: {', '.join(SABOTAGES)}."
    )


def test_the_doctor_finds_a_fresh_machine_well(tmp_path: Path) -> None:
    words = ["doctor", "--json", "--data", "data", "--port", str(reserved_port())]
    done = typed(tmp_path, *words)
    found = findings_of(done)
    assert done.returncode == 0, found
    assert {finding["code"] for finding in found.values()} == {None}
    assert found["cell"]["detail"] == "not running"
    assert not (tmp_path / "data").exists()


def test_the_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/VERSION").write_text(json.dumps({"format": 1, "product": "999.0"}))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = typed(tmp_path, "doctor", "--json", "--data", "data", "--port", port)
    found = findings_of(done)
    assert done.returncode == 1
    assert found["data directory"]["code"] == errors.DataDirectoryNewer.code
    assert found["cell"]["code"] == errors.PortInUse.code
    assert f"a start with port {port} would fail" in found["cell"]["detail"]


def settings_of(done: "subprocess.CompletedProcess[str]") -> dict[str, tuple[object, str]]:
    """What the doctor says of each setting: its value and where it came from."""
    rows = json.loads(done.stdout)["settings"]
    return {row["name"]: (row["value"], row["source"]) for row in rows}


def test_the_doctor_says_where_data_port_and_cars_came_from(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data/monocoque.toml"
    port = reserved_port()
    file.write_text(f"port = {port}\ncars = 7\n")
    words = ["doctor", "--json", "--data", str(tmp_path / "data")]
    found = settings_of(typed(tmp_path, *words))
    assert found["data"] == (str(tmp_path / "data"), "argument --data")
    assert found["port"] == (port, str(file))
    assert found["cars"] == (7, str(file))
    found = settings_of(typed(tmp_path, *words, "--port", "0"))
    assert found["port"] == (0, "argument --port")


def test_the_doctor_asks_the_cell_that_runs(running: Installation) -> None:
    done = typed(running.directory, "doctor", "--json", "--data", str(running.data))
    detail = findings_of(done)["cell"]["detail"]
    assert done.returncode == 0
    said = re.fullmatch(rf"http://localhost:{running.port}, (\d+) cars online", detail)
    assert said, detail
    assert int(said[1]) >= CARS


def test_a_refused_request_is_found_in_the_log_by_the_trace_that_was_shown(
    running: Installation,
) -> None:
    address = f"http://127.0.0.1:{running.port}/api/cars"
    host = {"Host": f"console.localhost:{running.port}"}
    answer = httpx.get(address, headers=host, timeout=START_S_MAX)
    trace_id = answer.json()["trace_id"]
    assert answer.status_code == 401
    lines = [line for line in running.printed().splitlines() if trace_id in line]
    assert [json.loads(line)["error_code"] for line in lines] == [answer.json()["code"]]


def test_each_process_writes_its_metrics_where_they_can_be_read(running: Installation) -> None:
    def written() -> dict[str, str]:
        return {path.name: path.read_text() for path in (running.data / "run").glob("*.prom")}

    def are_there() -> bool:
        return {"metrics-cars.prom", "metrics-cell.prom"} <= written().keys()

    wait_until("the metrics of cell and cars", are_there, START_S_MAX)
    assert all("monocoque_clock_setbacks 0.0" in text for text in written().values())


def test_a_car_of_its_own_process_joins_the_others(running: Installation) -> None:
    wait_until("they are counted", lambda: running.cars_online() >= CARS, START_S_MAX)
    online = running.cars_online()
    car = running.start_car()
    wait_until("one more car", lambda: running.cars_online() == online + 1, START_S_MAX)
    car.send_signal(signal.SIGINT)
    assert car.wait(START_S_MAX) == 0


def test_ctrl_c_ends_everything_and_the_next_start_goes_on(tmp_path: Path) -> None:
    installation = Installation(tmp_path, CARS)
    installation.start()
    cars = {path.name for path in (installation.data / "cars").iterdir()}
    assert len(cars) == CARS
    assert "… check the databases" in installation.printed(), "what may take long is said before"
    processes = processes_of(installation.data)
    assert {"cell", "cars", "nats"} <= processes.keys()
    assert all(map(is_alive, processes.values())), processes
    code = installation.sign_in_link("console").partition("#")[2]
    host = {"Host": f"console.localhost:{installation.port}"}
    address = f"http://127.0.0.1:{installation.port}"
    with httpx.Client(base_url=address, headers=host, timeout=START_S_MAX) as client:
        signed_in = client.post("/api/session", json={"link_code": code})
        assert signed_in.status_code == 204, signed_in.text
        cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
        with client.stream("GET", "/api/cars/live", headers={"Cookie": cookie}) as stream:
            assert stream.status_code == 200
            assert next(stream.iter_lines())
            assert installation.stop() == 0
    assert not any(map(is_alive, processes.values())), processes
    installation.start()
    assert {path.name for path in (installation.data / "cars").iterdir()} == cars
    assert installation.stop() == 0


def test_a_refused_setting_is_said_in_two_lines(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/monocoque.toml").write_text("[link]\nhello = 1\n")
    done = typed(tmp_path, "up", "--port", "0", "--data", "data")
    assert_refused(done, errors.SettingInvalid.default_hint)
    assert "link.hello" in done.stderr
    words = ["doctor", "--json", "--data", "data", "--port", str(reserved_port())]
    found = findings_of(typed(tmp_path, *words))
    assert found["settings"]["code"] == errors.SettingInvalid.code
    assert "link.hello" in found["settings"]["detail"]
