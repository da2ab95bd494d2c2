"""Each import contract sees an import that it forbids; all are planted at once, in one run."""

import re
import tomllib

from tests.law.conftest import ROOT, Copy

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = {c["id"]: c for c in PYPROJECT["tool"]["importlinter"]["contracts"]}
UNDECLARED = ["monocoque.utils", "monocoque.car.utils", "monocoque.cloud.utils"]
UNDECLARED += ["monocoque.home.utils", "monocoque.phone.utils", "monocoque.shop.utils"]

LAYERS = [
    ("monocoque.cloud.registry.config", "monocoque.car.link.config"),  # rooms are siblings
    ("monocoque.contracts.money", "monocoque.plumbing.clock"),
    ("monocoque.roles.table", "monocoque.cli"),
    ("monocoque.plumbing.metrics", "monocoque.sim"),
]
LOGIC = [
    ("monocoque.phone.accounts.logic", module) for module in CONTRACTS["logic"]["forbidden_modules"]
] + [
    (module, "asyncio")
    for module in CONTRACTS["logic"]["source_modules"]
    if not module.endswith("logic")
]
INDIRECT = [
    ("monocoque.contracts.rights", "monocoque.roles.table"),
    ("monocoque.roles.table", "monocoque.sim.loop"),
]
RECORDS = [
    ("monocoque.cli", module)
    for contract in CONTRACTS.values()
    for module in contract.get("protected_modules", [])
]
PLANTED = [*LAYERS, *LOGIC, *INDIRECT, *RECORDS]


def place(module: str) -> str:
    path = "src/" + module.replace(".", "/")
    return f"{path}/__init__.py" if (ROOT / path).is_dir() else f"{path}.py"


def test_the_tree_keeps_every_contract(copy: Copy):
    result = copy.run("lint-imports", "--no-cache")
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in result.stdout
    assert result.returncode == 0


def test_every_contract_sees_what_is_planted(copy: Copy):
    for importer, module in PLANTED:
        copy.plant(place(importer), f"\nimport {module}\n")
    for package in UNDECLARED:
        copy.plant(f"src/{package.replace('.', '/')}/__init__.py", '"""Odds and ends."""\n')

    result = copy.run("lint-imports", "--no-cache")

    assert result.returncode == 1
    broken = re.findall(r"^(.*) BROKEN$", result.stdout, re.MULTILINE)
    assert broken == [contract["name"] for contract in CONTRACTS.values()]
    seen = re.findall(r"(monocoque\S*) -> (\S+) \(l\.", result.stdout)
    assert [planted for planted in PLANTED if planted not in seen] == []
    undeclared = re.findall(r"^- (\S+)$", result.stdout, re.MULTILINE)
    assert undeclared == UNDECLARED
