"""Catalogues: what is read, and what is refused by name."""

import hashlib
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest

from monocoque.contracts.errors import CatalogueMalformed, OptionUnknown
from monocoque.shop.configurator.logic.catalogue import GroupKind, read_catalogue
from monocoque.shop.configurator.service import CURRENT, load_catalogue, load_engine
from tests.shop.configurator.small import small, tables

GROUPS = {"drive": ["rear", "all"], "extras": ["tow"]}
RULES = [{"when": ["tow"], "needs_any": ["all"]}, {"when": ["rear"], "excludes": ["tow"]}]
DIGESTS = {"arden-7.2026-11": "3e79163f3e9e27ab3a54b9e9f72b8f80660c21ef9b76532e77f73b064d524ff1"}
"""Of the file of each version that was ever sold by. A changed file gets a new version, and so a
new row here: a quote names its version, and means by it what the file said."""


def read(change: Callable[[dict[str, Any]], object]) -> None:
    changed = tables(GROUPS, RULES, free=["extras"])
    change(changed)
    read_catalogue(changed)


def test_a_catalogue_says_what_its_tables_say() -> None:
    found = small(GROUPS, RULES, free=["extras"], prices={"tow": 95_000})
    assert [group.kind for group in found.groups] == [GroupKind.EXACTLY_ONE, GroupKind.FREE]
    assert [option.key for option in found.members("drive")] == ["rear", "all"]
    assert [key for key, option in found.options.items() if option.is_default] == ["rear"]
    assert found.options["tow"].prices_minor == {"DE": 95_000}
    assert found.rules[0].needs_any == ("all",)
    assert found.rules[1].excludes == ("tow",)
    assert found.market("DE").tax_basis_points == 1_900


def test_options_are_named_once_and_in_order() -> None:
    found = small(GROUPS, free=["extras"])
    assert found.known(("tow", "all", "tow")) == ("all", "tow")


@pytest.mark.parametrize("ask", [lambda c: c.known(("sun-roof",)), lambda c: c.market("FR")])
def test_what_is_not_in_the_catalogue_is_refused(ask: Callable[..., object]) -> None:
    with pytest.raises(OptionUnknown):
        ask(small(GROUPS, free=["extras"]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("rules"), "rules"),
        (lambda t: t.update(version=7), "a text is wanted"),
        (lambda t: t.update(name=""), "a text is wanted"),
        (lambda t: t.update(markets=[]), "has no attribute"),
        (lambda t: t["groups"][0].update(kind="some"), "some"),
        (lambda t: t["markets"]["DE"].update(base_minor=-1), "not negative"),
        (lambda t: t["markets"]["DE"].update(base_minor=1.5), "whole amount"),
        (lambda t: t["markets"]["DE"].update(base_minor=True), "whole amount"),
        (lambda t: t["markets"]["DE"].update(currency="XYZ"), "XYZ is no currency"),
        (lambda t: t["options"].append(t["options"][0]), "two options of one key"),
        (lambda t: t["options"][0].update(group="wheels"), "there is no group wheels"),
        (lambda t: t["options"][0].update(prices_minor={}), "a price in each market"),
        (lambda t: t["options"][1].update(is_default=True), "drive: it has 2 defaults"),
        (lambda t: t["options"][0].update(is_default=False), "drive: it has 0 defaults"),
        (lambda t: t["options"][2].update(is_default=True), "extras: it has 1 defaults"),
        (lambda t: t["rules"][1].update(key="rule-0"), "Two rules have one key"),
        (lambda t: t["rules"][0].update(when=["sun-roof"]), "rule-0: it names an option"),
        (lambda t: t["rules"][0].update(when=[]), "rule-0: a rule has `when`"),
        (lambda t: t["rules"][0].update(needs_any=[]), "rule-0: a rule has `when`"),
        (lambda t: t["rules"][0].update(excludes=["rear"]), "rule-0: a rule has `when`"),
    ],
)
def test_a_catalogue_in_another_form_is_refused_by_name(
    change: Callable[[dict[str, Any]], object], said: str
) -> None:
    with pytest.raises(CatalogueMalformed, match=said):
        read(change)


def test_a_catalogue_that_cannot_be_read_is_refused_by_name() -> None:
    with pytest.raises(CatalogueMalformed, match="arden_8 cannot be read"):
        load_catalogue("arden_8")


def test_the_catalogue_that_sells_has_choices_rules_and_markets() -> None:
    catalogue = load_engine().catalogue
    assert len(catalogue.options) >= 12
    assert len(catalogue.groups) >= 5
    assert len(catalogue.rules) >= 5
    assert len(catalogue.markets) >= 3


def test_a_changed_file_has_a_new_version() -> None:
    file = files("monocoque.shop.configurator") / "catalogues" / f"{CURRENT}.toml"
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert DIGESTS[load_catalogue().version] == digest
