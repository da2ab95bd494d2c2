"""What is generated follows its source: stubs out of proto/, tables in docs/ out of the code."""

import pytest

from tests.law.conftest import ROOT, Copy

ECHO = "proto/monocoque/contracts/wire/echo.proto"
TOPICS = "src/monocoque/contracts/topics/car.py"
REGISTRY = "src/monocoque/cloud/registry/config.py"


@pytest.fixture
def with_buf(copy: Copy) -> Copy:
    (copy.root / "proto/node_modules").symlink_to(ROOT / "proto/node_modules")
    return copy


def test_the_stubs_are_those_of_proto(with_buf: Copy):
    result = with_buf.run("python", "proto/generate.py", "--check")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_new_field_is_additive_and_wants_new_stubs(with_buf: Copy):
    with_buf.replace(ECHO, "bytes payload = 4;", "bytes payload = 4;\n  string note = 5;")
    result = with_buf.run("python", "proto/generate.py", "--check")
    assert result.returncode == 1
    assert "['echo_pb2.py', 'echo_pb2.pyi', 'echo.proto']. Run `make wire`" in result.stderr

    assert with_buf.run("python", "proto/generate.py").returncode == 0
    assert with_buf.run("python", "proto/generate.py", "--check").returncode == 0


def test_a_stub_written_by_hand_is_seen(with_buf: Copy):
    with_buf.plant("src/monocoque/contracts/wire/echo_pb2.pyi", "\nclass More: ...\n")
    result = with_buf.run("python", "proto/generate.py", "--check")
    assert result.returncode == 1
    assert "['echo_pb2.pyi']" in result.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("string sender = 3;", "", id="a field is removed"),
        pytest.param("string sender = 3;", "string from = 3;", id="a field is renamed"),
        pytest.param("string sender = 3;", "string sender = 5;", id="a field is renumbered"),
        pytest.param("string sender = 3;", "uint64 sender = 3;", id="a field has another type"),
        pytest.param("bytes payload = 4;", "repeated bytes payload = 4;", id="one becomes many"),
        pytest.param("message Echo", "message Echoes", id="a message is renamed"),
    ],
)
def test_a_change_that_breaks_readers_is_refused(with_buf: Copy, old, new):
    stub = with_buf.root / "src/monocoque/contracts/wire/echo_pb2.py"
    before = stub.read_bytes()
    with_buf.replace(ECHO, old, new)
    for arguments in (["--check"], []):
        result = with_buf.run("python", "proto/generate.py", *arguments)
        assert result.returncode == 1
        assert "Changes to the wire are additive" in result.stderr
    assert stub.read_bytes() == before


def test_the_tables_are_those_of_the_code(copy: Copy):
    result = copy.run("python", "docs/generate.py", "--check")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("path", "old", "new", "finding"),
    [
        pytest.param(
            TOPICS, "retention_s=6 * HOUR_S", "retention_s=7", "topics.md", id="a topic's retention"
        ),
        pytest.param(
            TOPICS,
            "published_by=frozenset({Role.REGISTRY})",
            "published_by=frozenset({Role.CAR})",
            "rights.md: its table of roles",
            id="who may publish",
        ),
        pytest.param(
            "proto/monocoque/contracts/wire/car.proto",
            "// Free room on the car's disk.",
            "// Room.",
            "topics.md: its table of messages",
            id="what a field means",
        ),
        pytest.param(
            "src/monocoque/contracts/rights.py",
            '"Read counters and timings."',
            '"Read."',
            "rights.md: its table of rights",
            id="a right",
        ),
        pytest.param(
            "src/monocoque/contracts/documents.py",
            "lifetime_s_max=300",
            "lifetime_s_max=301",
            "documents.md",
            id="a document's lifetime",
        ),
        pytest.param(
            "src/monocoque/contracts/errors/inputs.py",
            'default_hint = "Send less at once."',
            'default_hint = "Send more."',
            "errors.md",
            id="an error's hint",
        ),
        pytest.param(
            "src/monocoque/contracts/errors/limits.py",
            'code = "queue_full"',
            'code = "not_found"',
            "has the code of another error",
            id="a code used twice",
        ),
        pytest.param(
            "src/monocoque/car/link/config.py",
            "hello_interval_s: float = 10.0",
            "hello_interval_s: float = 11.0",
            "settings.md",
            id="a limit's default",
        ),
        pytest.param(
            "src/monocoque/car/link/config.py",
            "    hello_interval_s: float",
            "    silent_s: float = 1.0\n    hello_interval_s: float",
            "no text below silent_s",
            id="a limit that does not say what it is",
        ),
        pytest.param(
            "src/monocoque/cli/main.py",
            '"""Print a new one-time link for a site',
            '"""Print a link for a site',
            "commands.md: its table of commands",
            id="what a command does",
        ),
        pytest.param(
            "src/monocoque/cli/main.py",
            '    """Print a new one-time link for a site of the running installation."""\n',
            "",
            "monocoque sign-in has no help",
            id="a command that does not say what it does",
        ),
        pytest.param(
            "src/monocoque/cli/main.py",
            'typer.Option(min=0.01, help="Virtual hours.")',
            "typer.Option(min=0.01)",
            "monocoque world: hours has no help",
            id="an argument that does not say what it is",
        ),
    ],
)
def test_a_table_that_does_not_follow_the_code_is_seen(copy: Copy, path, old, new, finding):
    copy.replace(path, old, new)
    result = copy.run("python", "docs/generate.py", "--check")
    assert result.returncode == 1
    assert finding in result.stdout + result.stderr


def test_tables_are_written_where_their_marks_are(copy: Copy):
    copy.replace("docs/protocol/errors.md", "| `queue_full` |", "| `gone` |")
    assert copy.run("python", "docs/generate.py").returncode == 0
    page = (copy.root / "docs/protocol/errors.md").read_text(encoding="utf-8")
    assert page == (ROOT / "docs/protocol/errors.md").read_text(encoding="utf-8")
