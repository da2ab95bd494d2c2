"""The cage: what a process that entered it can do, and what it cannot, tried from inside."""

import json
import os
import subprocess
import sys
import textwrap
import time

import pytest

from monocoque.plumbing.process_sessions import Usage, end_session, look

PROGRAM = """
import json, os, signal, socket, subprocess, sys
from pathlib import Path
from monocoque.plumbing.cage import Cage, enter, python_places
data = Path(sys.argv[1])
held = enter(Cage(python_places(), (data,), (int(sys.argv[2]),), 400 << 20, open_files_max=64))
said = {"missing": held.missing}
def tried(name, what):
    try:
        said[name] = str(what())
    except (OSError, MemoryError) as error:
        said[name] = type(error).__name__
def connected(port):
    with socket.create_connection(("127.0.0.1", port)):
        return "connected"
def served():
    with socket.create_server(("127.0.0.1", 0)):
        return "served"
def opened():
    kept = [open("/dev/null") for _ in range(100)]
tried("writes its own", lambda: (data / "x").write_text("x"))
tried("writes elsewhere", lambda: (data.parent / "y").write_text("x"))
tried("reads elsewhere", lambda: (data.parent / "secret").read_text())
tried("lists elsewhere", lambda: os.listdir(data.parent))
def began():
    import threading
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
tried("begins a thread", began)
tried("forks", os.fork)
tried("runs Python", lambda: subprocess.run([sys.executable, "-c", "pass"], check=True).returncode)
tried("connects to its port", lambda: connected(int(sys.argv[2])))
tried("connects elsewhere", lambda: connected(int(sys.argv[3])))
tried("serves", served)
tried("ends its parent", lambda: os.kill(os.getppid(), 0))
tried("leaves its session", os.setsid)
tried("sends a datagram", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
tried("speaks to a socket of the machine", lambda: socket.socket(socket.AF_UNIX))
tried("takes memory", lambda: len(bytearray(500 << 20)))
tried("opens many files", opened)
print(json.dumps(said))
"""


@pytest.fixture
def ports(tmp_path):
    import socket

    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    yield [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()


def test_a_cage_holds(tmp_path, ports):
    (tmp_path / "data").mkdir()
    (tmp_path / "secret").write_text("secret")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "data", *map(str, ports)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said = json.loads(done.stdout)
    missing = " ".join(said.pop("missing"))
    expected = {
        "writes its own": "1",
        "begins a thread": "None",
        "connects to its port": "connected",
        "takes memory": "MemoryError",
        "opens many files": "OSError",
    }
    if "files" not in missing:
        outside = ("writes elsewhere", "reads elsewhere", "lists elsewhere")
        expected |= dict.fromkeys(outside, "PermissionError")
    if "network" not in missing:
        expected |= dict.fromkeys(("connects elsewhere", "serves"), "PermissionError")
    if "signals" not in missing:
        expected["ends its parent"] = "PermissionError"
    if "calls" not in missing:
        refused = (
            "forks",
            "runs Python",
            "leaves its session",
            "sends a datagram",
            "speaks to a socket of the machine",
        )
        expected |= dict.fromkeys(refused, "PermissionError")
    assert {name: said[name] for name in expected} == expected


def test_a_session_is_counted_and_ended_with_all_that_it_began():
    program = """
    import os, time
    for _ in range(3):
        if os.fork() == 0:
            time.sleep(600)
    print("ready", flush=True)
    time.sleep(600)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        assert process.stdout.readline() == b"ready\n"
        usage = look()[process.pid]
        assert len(usage.pids) == 4
        assert usage.resident_bytes > 4_000_000
        end_session(process.pid)
        assert process.wait(10) == -9
    until_s = time.monotonic() + 10
    while look().get(process.pid, Usage()).pids:  # a killed process ends when it gets the processor
        assert time.monotonic() < until_s
    assert os.getsid(0) in look()
