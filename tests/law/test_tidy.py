"""Each rule of tests/tidy.py sees what it is for, and the tree itself is tidy."""

import pytest

from tests import tidy
from tests.law.conftest import ROOT, Copy

SERVICE = "src/monocoque/cloud/registry/service.py"
LONG = "\n\ndef long() -> None:\n" + "    print()\n" * tidy.FUNCTION_LINES_MAX
MARKER = "TO" + "DO"
UNCOUNTED = "pragma: " + "no cover"
HOST = "py" + "pi.org"
LAYERS_OF_A_ROOM = """
[[tool.importlinter.contracts]]
id = "app"
type = "layers"
containers = ["monocoque.app"]
layers = ["rules"]
"""
MACHINE_PATH = "/r" + "oot/wheels"

PLANTED = [
    pytest.param(tidy.sizes, SERVICE, LONG, "::long: 71 lines", id="a long function"),
    pytest.param(tidy.sizes, SERVICE, "\n" * 501, f"{SERVICE}: ", id="a long file"),
    pytest.param(
        tidy.sizes,
        "web/console/Readings.svelte",
        "\n" * 501,
        "web/console/Readings.svelte: ",
        id="a long page",
    ),
    pytest.param(
        tidy.sizes,
        "tests/tidy_ratchet.toml",
        '"tests/tidy.py::gone" = 80\n',
        "lower it to 0",
        id="a ratchet that was not lowered",
    ),
    pytest.param(
        tidy.packages,
        "src/monocoque/cloud/loose/logic.py",
        '"""Loose."""\n',
        "cloud/loose: __init__.py",
        id="a folder that is no package",
    ),
    pytest.param(
        tidy.feature_files,
        "src/monocoque/cloud/registry/helpers.py",
        '"""Helpers."""\n',
        "registry/helpers.py: not one of",
        id="an unknown file name in a feature",
    ),
    pytest.param(
        tidy.feature_tests,
        "src/monocoque/cloud/services/logic.py",
        '"""Services."""\n',
        "cloud/services: has neither",
        id="a feature without tests",
    ),
    pytest.param(
        tidy.own_records,
        "src/monocoque/cloud/registry/records.py",
        '\nX = Table("cars", metadata)\n',
        "the table cars does not begin with registry_",
        id="a table without the name of its feature",
    ),
    pytest.param(
        tidy.own_records,
        SERVICE,
        '\nX = "SELECT role FROM accounts_roles"\n',
        "accounts_roles is a table of src/monocoque/phone/accounts",
        id="a table of another feature in a text",
    ),
    pytest.param(
        tidy.headers,
        "src/monocoque/contracts/topics/car.py",
        "\nX = Topic(message=header_pb2.Headless)\n",
        "message Headless travels",
        id="a message without a header",
    ),
    pytest.param(tidy.leftovers, SERVICE, f"# {MARKER}: later\n", MARKER, id="a marker left over"),
    pytest.param(
        tidy.uncounted,
        SERVICE,
        f"x = 1  # {UNCOUNTED}\n",
        "does not say why",
        id="code that is not counted without a reason",
    ),
    pytest.param(
        tidy.machines, "README.md", f"From {HOST}.\n", f"names {HOST}", id="a registry's host"
    ),
    pytest.param(
        tidy.machines, "README.md", f"In {MACHINE_PATH}.\n", "names /", id="a machine's path"
    ),
    pytest.param(
        tidy.environment,
        SERVICE,
        "\nimport os\n\nHOME = os.environ['HOME']\n",
        "os.environ is for the command line",
        id="the environment read outside the command line",
    ),
    pytest.param(
        tidy.environment,
        SERVICE,
        "\nfrom os import getenv\n",
        "os.getenv is for the command line",
        id="the environment imported by name",
    ),
    pytest.param(
        tidy.environment,
        SERVICE,
        "\nimport sys\n\nPORT = sys.argv[1]\n",
        "sys.argv is for the command line",
        id="the arguments read outside the command line",
    ),
    pytest.param(
        tidy.import_contracts,
        "src/monocoque/cloud/services/records.py",
        '"""Services."""\n',
        "contracts are stale",
        id="records without a contract of their own",
    ),
    pytest.param(
        tidy.import_contracts,
        "pyproject.toml",
        'ignore_imports = ["monocoque.cli -> monocoque.sim"]\n',
        "there are no exceptions",
        id="an exception to the direction of imports",
    ),
    pytest.param(
        tidy.import_contracts,
        "pyproject.toml",
        "allow_indirect_imports = true\n",
        "there are no exceptions",
        id="an exception for imports by way of others",
    ),
    pytest.param(
        tidy.layers,
        "src/monocoque/app/rules/logic.py",
        '"""Rules."""\n',
        "monocoque.app has no contract of layers",
        id="a room that says nothing of its features",
    ),
    pytest.param(
        tidy.layers,
        "pyproject.toml",
        LAYERS_OF_A_ROOM,
        "the layers of app are not exhaustive",
        id="layers that may forget a feature",
    ),
    pytest.param(
        tidy.strict_types,
        "pyproject.toml",
        '\n[[tool.mypy.overrides]]\nmodule = ["monocoque.roles.*"]\nignore_errors = true\n',
        "mypy makes an exception of monocoque.roles.*",
        id="a room whose types are not checked",
    ),
]


@pytest.fixture(autouse=True, scope="module")
def syntax_is_forgotten():
    yield
    tidy.parsed.cache_clear()


def test_the_tree_is_tidy():
    assert tidy.findings(ROOT) == []


@pytest.mark.parametrize(("rule", "path", "text", "finding"), PLANTED)
def test_a_rule_sees_what_is_planted(copy: Copy, rule, path, text, finding):
    assert finding not in "\n".join(rule(tidy.Tree(copy.root)))
    copy.plant(path, text)
    assert finding in "\n".join(rule(tidy.Tree(copy.root)))


def test_every_rule_has_a_planted_violation():
    tried = {parameter.values[0] for parameter in PLANTED}
    assert set(tidy.RULES) - tried == {tidy.node_locks}


@pytest.mark.parametrize("folder", ["web", "proto"])
def test_addresses_in_a_lock_of_npm_are_seen(copy: Copy, folder):
    assert list(tidy.node_locks(tidy.Tree(copy.root))) == []
    copy.replace(f"{folder}/.npmrc", "omit-lockfile-registry-resolved=true", "")
    copy.replace(f"{folder}/package-lock.json", '"integrity":', '"resolved": "x.tgz", "integrity":')
    found = "\n".join(tidy.node_locks(tidy.Tree(copy.root)))
    assert f"{folder}/.npmrc: omit-lockfile-registry-resolved=true is missing" in found
    assert f"{folder}/package-lock.json: has `resolved` addresses" in found


def test_types_that_are_not_strict_are_seen(copy: Copy):
    copy.replace("pyproject.toml", "strict = true", "strict = false")
    assert list(tidy.strict_types(tidy.Tree(copy.root))) == [
        "pyproject.toml: mypy is not strict on src"
    ]


def test_stale_import_contracts_are_written_anew(copy: Copy):
    copy.plant("src/monocoque/cloud/twin/records.py", '"""Twin."""\n')
    tidy.write(copy.root)
    assert list(tidy.import_contracts(tidy.Tree(copy.root))) == []
