"""Small catalogues, made by hand or by chance, and what brute force says of them."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from hypothesis import strategies as st

from monocoque.shop.configurator.logic.catalogue import Catalogue, GroupKind, Rule, read_catalogue

MARKET = "DE"


def tables(
    groups: dict[str, list[str]],
    rules: Iterable[dict[str, Any]] = (),
    free: Iterable[str] = (),
    prices: dict[str, int] | None = None,
) -> dict[str, Any]:
    """The tables of a catalogue; the first option of each group that is not free is its default."""
    return {
        "version": "small-1",
        "model": "small",
        "name": "Small",
        "markets": {
            MARKET: {
                "name": "Germany",
                "currency": "EUR",
                "tax_name": "VAT",
                "tax_basis_points": 1_900,
                "base_minor": 1_000,
                "destination_minor": 100,
            }
        },
        "groups": [
            {"key": key, "name": key, "kind": "free" if key in free else "exactly_one"}
            for key in groups
        ],
        "options": [
            {
                "key": option,
                "name": option,
                "group": group,
                "is_default": option == options[0] and group not in free,
                "prices_minor": {MARKET: (prices or {}).get(option, 0)},
            }
            for group, options in groups.items()
            for option in options
        ],
        "rules": [{"key": f"rule-{n}", "sentence": f"Rule {n}.", **r} for n, r in enumerate(rules)],
    }


def small(*arguments: Any, **named: Any) -> Catalogue:
    """A small catalogue."""
    return read_catalogue(tables(*arguments, **named))


def holds(rule: Rule, car: frozenset[str]) -> bool:
    """What a rule says, written once more."""
    if not car.issuperset(rule.when):
        return True
    if rule.needs_any:
        return bool(car & set(rule.needs_any))
    return not car & set(rule.excludes)


def every_car(catalogue: Catalogue, without: Iterable[str] = ()) -> Iterator[frozenset[str]]:
    """Every car, by brute force; without: keys of rules and groups that do not hold."""
    off = set(without)
    rules = [rule for rule in catalogue.rules if rule.key not in off]
    exclusive = [
        {option.key for option in catalogue.members(group.key)}
        for group in catalogue.groups
        if group.kind is GroupKind.EXACTLY_ONE and f"one-of-{group.key}" not in off
    ]
    for bits in itertools.product((False, True), repeat=len(catalogue.options)):
        car = frozenset(itertools.compress(catalogue.options, bits))
        is_whole = all(len(car & members) == 1 for members in exclusive)
        if is_whole and all(holds(rule, car) for rule in rules):
            yield car


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Catalogues of at most seven options; their rules may contradict each other."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    free_size = draw(st.integers(0, 2))
    groups = {f"g{n}": [f"g{n}o{m}" for m in range(size)] for n, size in enumerate(sizes)}
    if free_size:
        groups["free"] = [f"x{m}" for m in range(free_size)]
    keys = [key for options in groups.values() for key in options]
    some = st.lists(st.sampled_from(keys), min_size=1, max_size=2, unique=True)
    rule = st.one_of(
        st.fixed_dictionaries({"when": some, "needs_any": some}),
        st.fixed_dictionaries({"when": some, "excludes": some}),
    )
    rules = draw(st.lists(rule, max_size=4))
    prices = draw(st.fixed_dictionaries({key: st.integers(0, 5) for key in keys}))
    return small(groups, rules, ["free"], prices)
