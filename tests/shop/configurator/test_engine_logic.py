"""The engine against brute force on small catalogues, and by name on the one that sells."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monocoque.contracts.errors import (
    CatalogueContradicts,
    ConfigurationImpossible,
    OptionUnknown,
)
from monocoque.shop.configurator.logic.catalogue import Catalogue, GroupKind
from monocoque.shop.configurator.logic.engine import Engine, Explanation
from monocoque.shop.configurator.service import load_engine
from tests.shop.configurator.small import MARKET, catalogues, every_car, small

ARDEN = load_engine()


def opened(catalogue: Catalogue) -> Engine:
    """The engine of a catalogue that does not contradict itself."""
    cars = list(every_car(catalogue))
    assume(cars and set().union(*cars) == set(catalogue.options))
    return Engine(catalogue)


def chosen_of(data: st.DataObject, catalogue: Catalogue) -> frozenset[str]:
    return frozenset(data.draw(st.sets(st.sampled_from(sorted(catalogue.options)), max_size=4)))


def kept_for(catalogue: Catalogue, chosen: Iterable[str], wish: str) -> set[str]:
    """The choices that are kept while the wish is tried."""
    group = catalogue.options[wish].group
    kinds = {it.key: it.kind for it in catalogue.groups}
    if kinds[group] is GroupKind.FREE:
        return {*chosen, wish}
    return {key for key in chosen if catalogue.options[key].group != group} | {wish}


def assert_minimal(catalogue: Catalogue, found: Explanation) -> None:
    """Together its rules and choices cannot be; without any one of them they can."""
    named = {reason.key for reason in found.reasons}
    switches = {rule.key for rule in catalogue.rules} | {
        f"one-of-{group.key}" for group in catalogue.groups if group.kind is GroupKind.EXACTLY_ONE
    }

    def is_possible(reasons: set[str], choices: set[str]) -> bool:
        return any(car >= choices for car in every_car(catalogue, switches - reasons))

    choices = set(found.choices)
    assert not is_possible(named, choices)
    for reason in named:
        assert is_possible(named - {reason}, choices)
    for choice in choices:
        assert is_possible(named, choices - {choice})


@given(catalogues())
def test_a_catalogue_is_refused_exactly_when_an_option_is_in_no_car(catalogue: Catalogue) -> None:
    cars = list(every_car(catalogue))
    dead = set(catalogue.options) - set().union(*cars)
    if not dead and cars:
        Engine(catalogue)
        return
    with pytest.raises(CatalogueContradicts) as refused:
        Engine(catalogue)
    what = refused.value.what
    if cars:
        assert any(f"No car can have {key} by" in what for key in dead)
    else:
        assert "No car is by" in what


def test_rules_that_contradict_each_other_are_named_and_others_are_not() -> None:
    catalogue = small(
        {"drive": ["rear", "all"], "extras": ["tow", "rails"]},
        [
            {"when": ["tow"], "needs_any": ["all"]},
            {"when": ["rails"], "excludes": ["all"]},
            {"when": ["tow"], "excludes": ["all"]},
        ],
        free=["extras"],
    )
    with pytest.raises(CatalogueContradicts) as refused:
        Engine(catalogue)
    assert refused.value.what == "No car can have tow by the catalogue small-1: rule-0, rule-2."


def test_a_catalogue_without_any_car_names_the_rules_and_the_group() -> None:
    rules = [
        {"when": ["rear"], "needs_any": ["tow"]},
        {"when": ["rear"], "excludes": ["tow"]},
    ]
    with pytest.raises(
        CatalogueContradicts, match=r"No car is by .*: one-of-drive, rule-0, rule-1"
    ):
        Engine(small({"drive": ["rear"], "extras": ["tow"]}, rules, free=["extras"]))


@given(catalogues(), st.data())
def test_possible_forced_and_conflict_are_what_brute_force_says(
    catalogue: Catalogue, data: st.DataObject
) -> None:
    engine = opened(catalogue)
    chosen = chosen_of(data, catalogue)
    cars = list(every_car(catalogue))
    found = engine.possibilities(chosen)
    assert set(found.possible) == {
        key
        for key in catalogue.options
        if any(car >= kept_for(catalogue, chosen, key) for car in cars)
    }
    with_all = [car for car in cars if car >= chosen]
    assert (found.conflict is None) == bool(with_all)
    assert set(found.forced) == (frozenset.intersection(*with_all) if with_all else set())
    if found.conflict is not None:
        assert set(found.conflict.choices) <= chosen
        assert_minimal(catalogue, found.conflict)


@given(catalogues(), st.data())
def test_why_not_is_answered_by_a_minimal_set_of_reasons(
    catalogue: Catalogue, data: st.DataObject
) -> None:
    engine = opened(catalogue)
    chosen = chosen_of(data, catalogue)
    wish = data.draw(st.sampled_from(sorted(catalogue.options)))
    kept = kept_for(catalogue, chosen, wish)
    found = engine.why_not(chosen, wish)
    assert (found is None) == any(car >= kept for car in every_car(catalogue))
    if found is not None:
        assert_minimal(catalogue, found)


@given(catalogues(), st.data())
def test_the_cheapest_completion_is_the_cheapest_car(
    catalogue: Catalogue, data: st.DataObject
) -> None:
    engine = opened(catalogue)
    chosen = chosen_of(data, catalogue)

    def cost(car: Iterable[str]) -> tuple[int, int]:
        added = [catalogue.options[key] for key in set(car) - chosen]
        prices = sum(option.prices_minor[MARKET] for option in added)
        return prices, sum(not option.is_default for option in added)

    cars = [car for car in every_car(catalogue) if car >= chosen]
    if not cars:
        with pytest.raises(ConfigurationImpossible):
            engine.complete(chosen, MARKET)
        return
    found = engine.complete(chosen, MARKET)
    assert frozenset(found) in cars
    assert cost(found) == min(map(cost, cars))


@given(catalogues(), st.data(), st.booleans())
def test_the_least_repair_gives_up_as_little_as_can_be_and_keeps_the_wish(
    catalogue: Catalogue, data: st.DataObject, has_wish: bool
) -> None:
    engine = opened(catalogue)
    chosen = chosen_of(data, catalogue)
    wish = data.draw(st.sampled_from(sorted(catalogue.options))) if has_wish else None
    wanted = chosen if wish is None else frozenset(kept_for(catalogue, chosen, wish))
    cars = [car for car in every_car(catalogue) if wish is None or wish in car]
    given_up = min(
        (sorted(wanted - car, reverse=True) for car in cars), key=lambda it: (len(it), it)
    )
    found = engine.repair(chosen, wish, MARKET)
    assert found.given_up == tuple(sorted(given_up))
    assert frozenset(found.options) in cars
    assert set(found.options) == (wanted - set(given_up)) | set(found.added)
    assert not wanted & set(found.added)


@given(catalogues(), st.data())
def test_only_a_whole_car_passes_the_check(catalogue: Catalogue, data: st.DataObject) -> None:
    engine = opened(catalogue)
    options = chosen_of(data, catalogue)
    if options in set(every_car(catalogue)):
        assert engine.check(sorted(options)) == tuple(sorted(options))
    else:
        with pytest.raises(ConfigurationImpossible):
            engine.check(sorted(options))


@pytest.mark.parametrize(
    "ask",
    [
        lambda it: it.possibilities(["nothing"]),
        lambda it: it.why_not([], "nothing"),
        lambda it: it.why_not(["nothing"], "tow-bar"),
        lambda it: it.repair([], "nothing", "DE"),
        lambda it: it.repair(["nothing"], None, "DE"),
        lambda it: it.repair([], None, "FR"),
        lambda it: it.complete([], "FR"),
        lambda it: it.check(["nothing"]),
    ],
)
def test_what_the_catalogue_does_not_have_is_refused(ask) -> None:
    with pytest.raises(OptionUnknown):
        ask(ARDEN)


def test_a_tow_bar_and_the_track_pack_exclude_each_other_and_the_repair_says_what_to_give_up() -> (
    None
):
    choices = ["paint-ember", "tow-bar"]
    found = ARDEN.why_not(choices, "track-pack")
    assert found is not None
    assert [reason.key for reason in found.reasons] == ["tow-excludes-track"]
    assert found.reasons[0].sentence.startswith("The track pack lowers the car")
    repair = ARDEN.repair(choices, "track-pack", "DE")
    assert repair.given_up == ("tow-bar",)
    assert {"drive-performance", "battery-long", "wheels-21", "interior-sport"} <= set(repair.added)
    assert ARDEN.check(repair.options) == repair.options


def test_an_impossible_car_is_refused_with_the_sentences_of_its_rules() -> None:
    with pytest.raises(ConfigurationImpossible, match="needs all-wheel drive"):
        ARDEN.check([*ARDEN.complete([], "DE"), "tow-bar"])
    with pytest.raises(ConfigurationImpossible, match="Paint: a car has exactly one"):
        ARDEN.check([key for key in ARDEN.complete([], "DE") if not key.startswith("paint")])


def test_without_a_choice_a_car_has_every_default() -> None:
    defaults = [key for key, option in ARDEN.catalogue.options.items() if option.is_default]
    for market in ARDEN.catalogue.markets:
        assert ARDEN.complete([], market) == tuple(sorted(defaults))


def test_a_cent_less_is_worth_more_than_any_number_of_defaults() -> None:
    catalogue = small(
        {"paint": ["white", "black"], "roof": ["steel", "glass"], "wheels": ["18", "19"]},
        [{"when": ["glass"], "needs_any": [other]} for other in ("black", "19")],
        prices={"steel": 1},
    )
    assert Engine(catalogue).complete((), MARKET) == ("19", "black", "glass")


def test_answers_do_not_hang_on_what_was_asked_before() -> None:
    asked = list(itertools.combinations(["tow-bar", "track-pack", "winter-pack", "sound"], 2))

    def answer(choices: Iterable[str]) -> list[object]:
        return [ARDEN.possibilities(choices), ARDEN.repair(choices, "track-pack", "CN")]

    first = [answer(choices) for choices in asked]
    assert [answer(choices) for choices in reversed(asked)] == first[::-1]


def test_two_processes_give_the_same_answers() -> None:
    program = """
import json
from monocoque.shop.configurator.service import load_engine
engine = load_engine()
names = sorted(engine.catalogue.options)
pairs = [(a, b) for a in names for b in names[:6]]
print(json.dumps([engine.repair([a, "tow-bar"], b, "GB").options for a, b in pairs]))
"""

    def run(seed: str) -> object:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)

    assert run("1") == run("2")
