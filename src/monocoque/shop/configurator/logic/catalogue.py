"""The catalogue: groups, options, rules and markets, read from plain tables and checked.

Rules:

* an option belongs to one group; of an ``exactly_one`` group a car has exactly one option, of a
  ``free`` group any number;
* a rule says: who has all of ``when`` needs one of ``needs_any``, or has none of ``excludes``; it
  has a key, by which a page translates it, and an English sentence that says why;
* each market has its currency, its tax, and a charge for destination that every car bears; an
  option has a price in each market, and none is negative;
* each ``exactly_one`` group names one default.

Left out on purpose: whether the rules contradict each other. The engine finds that, and refuses.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monocoque.contracts.errors import CatalogueMalformed, OptionUnknown
from monocoque.contracts.money import MINOR_DIGITS


class GroupKind(enum.Enum):
    """How many options of a group a car has."""

    EXACTLY_ONE = "exactly_one"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Group:
    """Options that answer one question."""

    key: str
    name: str
    kind: GroupKind


@dataclass(frozen=True, slots=True)
class Option:
    """Something that can be chosen."""

    key: str
    name: str
    group: str
    is_default: bool
    prices_minor: Mapping[str, int]
    """By market, without tax."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What goes with what."""

    key: str
    when: tuple[str, ...]
    needs_any: tuple[str, ...]
    """One of these must be there; empty when the rule excludes."""
    excludes: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Market:
    """Where a car is sold."""

    key: str
    name: str
    currency: str
    tax_name: str
    tax_basis_points: int
    base_minor: int
    destination_minor: int


@dataclass(frozen=True)
class Catalogue:
    """One version of what is for sale."""

    version: str
    model: str
    name: str
    groups: tuple[Group, ...]
    options: Mapping[str, Option]
    """By key, in the order of the file."""
    rules: tuple[Rule, ...]
    markets: Mapping[str, Market]

    def market(self, key: str) -> Market:
        """One market; raises OptionUnknown."""
        if key not in self.markets:
            raise OptionUnknown(f"The catalogue {self.version} has no such market.")
        return self.markets[key]

    def members(self, group: str) -> tuple[Option, ...]:
        """The options of one group, in the order of the file."""
        return tuple(option for option in self.options.values() if option.group == group)

    def known(self, keys: tuple[str, ...]) -> tuple[str, ...]:
        """These options, each once, in order of the alphabet; raises OptionUnknown."""
        if any(key not in self.options for key in keys):
            raise OptionUnknown(f"The catalogue {self.version} lacks an option that was named.")
        return tuple(sorted(set(keys)))


def read_catalogue(tables: Mapping[str, Any]) -> Catalogue:
    """The catalogue that these tables (of a TOML file) describe; raises CatalogueMalformed."""
    try:
        catalogue = _read(tables)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CatalogueMalformed(
            f"The catalogue lacks something, or has it in another form: {str(error)[:80]}."
        ) from None
    _check(catalogue)
    return catalogue


def _read(tables: Mapping[str, Any]) -> Catalogue:
    options = [
        Option(
            key=_text(table["key"]),
            name=_text(table["name"]),
            group=_text(table["group"]),
            is_default=table.get("is_default") is True,
            prices_minor={market: _amount(it) for market, it in table["prices_minor"].items()},
        )
        for table in tables["options"]
    ]
    if len({option.key for option in options}) != len(options):
        raise ValueError("two options of one key")
    return Catalogue(
        version=_text(tables["version"]),
        model=_text(tables["model"]),
        name=_text(tables["name"]),
        groups=tuple(
            Group(_text(table["key"]), _text(table["name"]), GroupKind(table["kind"]))
            for table in tables["groups"]
        ),
        options={option.key: option for option in options},
        rules=tuple(
            Rule(
                key=_text(table["key"]),
                when=tuple(_text(key) for key in table["when"]),
                needs_any=tuple(_text(key) for key in table.get("needs_any", ())),
                excludes=tuple(_text(key) for key in table.get("excludes", ())),
                sentence=_text(table["sentence"]),
            )
            for table in tables["rules"]
        ),
        markets={
            key: Market(
                key=key,
                name=_text(table["name"]),
                currency=_text(table["currency"]),
                tax_name=_text(table["tax_name"]),
                tax_basis_points=_amount(table["tax_basis_points"]),
                base_minor=_amount(table["base_minor"]),
                destination_minor=_amount(table["destination_minor"]),
            )
            for key, table in tables["markets"].items()
        },
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a text is wanted")
    return value


def _amount(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a whole amount that is not negative is wanted")
    return value


def _check(catalogue: Catalogue) -> None:
    _check_options(catalogue)
    _check_defaults(catalogue)
    _check_rules(catalogue)


def _check_options(catalogue: Catalogue) -> None:
    groups = {group.key for group in catalogue.groups}
    for market in catalogue.markets.values():
        if market.currency not in MINOR_DIGITS:
            raise CatalogueMalformed(f"{market.key}: {market.currency} is no currency of ours.")
    for option in catalogue.options.values():
        if option.group not in groups:
            raise CatalogueMalformed(f"{option.key}: there is no group {option.group}.")
        if set(option.prices_minor) != set(catalogue.markets):
            raise CatalogueMalformed(f"{option.key}: it needs a price in each market.")


def _check_defaults(catalogue: Catalogue) -> None:
    for group in catalogue.groups:
        defaults = sum(option.is_default for option in catalogue.members(group.key))
        if defaults != (1 if group.kind is GroupKind.EXACTLY_ONE else 0):
            raise CatalogueMalformed(f"{group.key}: it has {defaults} defaults.")


def _check_rules(catalogue: Catalogue) -> None:
    if len({rule.key for rule in catalogue.rules}) != len(catalogue.rules):
        raise CatalogueMalformed("Two rules have one key.")
    for rule in catalogue.rules:
        named = (*rule.when, *rule.needs_any, *rule.excludes)
        if any(key not in catalogue.options for key in named):
            raise CatalogueMalformed(f"{rule.key}: it names an option that is not there.")
        if not rule.when or bool(rule.needs_any) == bool(rule.excludes):
            raise CatalogueMalformed(
                f"{rule.key}: a rule has `when`, and either `needs_any` or `excludes`."
            )
