"""The engine: what is still possible, what is forced, why not, and the least repair.

A catalogue is a set of clauses for python-sat. Each rule, and the question of each ``exactly_one``
group, has a selector: a literal that switches its clauses on. So a core of assumptions names rules
and choices alike, and a minimal core is an explanation.

Rules:

* a fresh solver for each request. A solver remembers what it learned and which way it went last, so
  what it answers to one buyer (which core, which model) would hang on what others asked before; and
  a world must repeat to the last byte. To fill one costs 0.1 ms with a catalogue of this size;
* within a request models are reused: whatever is true in one is possible, and is not asked again;
* an option of an ``exactly_one`` group is possible when it can take the place of the one that is
  chosen in its group; every other choice is kept;
* explanations are minimal: without any one of their reasons it would be possible;
* a repair gives up as few choices as can be; of equally few sets the one whose last member in order
  of the alphabet comes first, and so on with the one before. What was wished is never given up.

Left out on purpose: prices of a whole car (shop/quotes), and how many cars there are in all.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from pysat.examples.rc2 import RC2
from pysat.formula import WCNF
from pysat.solvers import Solver

from monocoque.contracts.errors import CatalogueContradicts, ConfigurationImpossible
from monocoque.shop.configurator.logic.catalogue import Catalogue, GroupKind

SOLVER = "cadical153"
GROUP_PREFIX = "one-of-"
"""Before a group's key: the key of the reason that a car has exactly one of its options."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule, or a group's question, as a person reads it."""

    key: str
    """By which a page translates it: the rule's key, or ``one-of-`` and the group's."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A minimal set of rules and choices that cannot all be."""

    reasons: tuple[Reason, ...]
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Possibilities:
    """What the choices leave open."""

    possible: tuple[str, ...]
    """Options that can be had, or kept, with the other choices as they are."""
    forced: tuple[str, ...]
    """Options that every car with these choices has."""
    conflict: Explanation | None
    """Why no car has all of these choices; then nothing is forced."""


@dataclass(frozen=True, slots=True)
class Repair:
    """The least change that makes a car of the choices."""

    given_up: tuple[str, ...]
    added: tuple[str, ...]
    """What the completed car has and was not chosen."""
    options: tuple[str, ...]
    """The whole car, in order of the alphabet."""


class Engine:
    """A catalogue, ready to be asked."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Compile it; raises CatalogueContradicts, which names a minimal set of rules."""
        self.catalogue = catalogue
        self._literals = {key: number for number, key in enumerate(catalogue.options, 1)}
        self._names = {number: key for key, number in self._literals.items()}
        self._clauses: list[list[int]] = []
        self._reasons: dict[int, Reason] = {}
        self._switch = len(self._literals)
        self._compile()
        self._refuse_contradictions()

    def possibilities(self, choices: Iterable[str]) -> Possibilities:
        """What these choices leave open; raises OptionUnknown."""
        chosen = self.catalogue.known(tuple(choices))
        with self._solver() as solver:
            return Possibilities(
                possible=tuple(sorted(self._possible(solver, chosen))),
                forced=tuple(sorted(self._forced(solver, chosen))),
                conflict=self._conflict(solver, chosen),
            )

    def why_not(self, choices: Iterable[str], wish: str) -> Explanation | None:
        """Why the wish cannot be had with these choices; None when it can. OptionUnknown."""
        chosen = self.catalogue.known(tuple(choices))
        self.catalogue.known((wish,))
        with self._solver() as solver:
            kept = sorted({*self._without_group_of(chosen, wish), wish})
            return self._conflict(solver, kept)

    def repair(self, choices: Iterable[str], wish: str | None, market: str) -> Repair:
        """The least repair of these choices, completed; the wish is kept.

        Raises OptionUnknown. There always is one: an option that no car could have would have made
        the catalogue contradict itself.
        """
        chosen = self.catalogue.known(tuple(choices))
        if wish is not None:
            self.catalogue.known((wish,))
            chosen = tuple(sorted({*self._without_group_of(chosen, wish), wish}))
        formula = self._hard_formula([] if wish is None else [wish])
        # Powers of two: no two sets of choices weigh the same, so there is one least repair.
        for place, key in enumerate(chosen):
            formula.append([self._literals[key]], weight=2 ** len(chosen) + 2**place)
        model = set(self._best(formula))
        kept = tuple(key for key in chosen if self._literals[key] in model)
        options = self.complete(kept, market)
        return Repair(
            given_up=tuple(key for key in chosen if key not in kept),
            added=tuple(key for key in options if key not in chosen),
            options=options,
        )

    def complete(self, choices: Iterable[str], market: str) -> tuple[str, ...]:
        """The cheapest car in this market with these choices, defaults first among the equal.

        Raises OptionUnknown, ConfigurationImpossible.
        """
        chosen = self.catalogue.known(tuple(choices))
        self.catalogue.market(market)
        with self._solver() as solver:
            self._refuse(self._conflict(solver, chosen))
        formula = self._hard_formula(chosen)
        # All that is no default weighs less than one minor unit of money.
        per_unit = len(self.catalogue.options) + 1
        for key, option in self.catalogue.options.items():
            if key not in chosen:
                cost = per_unit * option.prices_minor[market] + (0 if option.is_default else 1)
                if cost:
                    formula.append([-self._literals[key]], weight=cost)
        return tuple(sorted(self._options_in(self._best(formula))))

    def check(self, options: Sequence[str]) -> tuple[str, ...]:
        """These options as a whole car, in order; raises OptionUnknown, ConfigurationImpossible."""
        chosen = self.catalogue.known(tuple(options))
        absent = [-number for key, number in self._literals.items() if key not in chosen]
        with self._solver() as solver:
            assumed = [*self._reasons, *absent, *self._numbers(chosen)]
            if not solver.solve(assumptions=assumed):
                self._refuse(self._explained(solver, assumed))
        return chosen

    # --- the clauses --------------------------------------------------------------------------

    def _compile(self) -> None:
        for group in self.catalogue.groups:
            if group.kind is GroupKind.EXACTLY_ONE:
                members = self._numbers(option.key for option in self.catalogue.members(group.key))
                switch = self._new_switch(
                    Reason(f"{GROUP_PREFIX}{group.key}", f"{group.name}: a car has exactly one.")
                )
                self._clauses.append([-switch, *members])
                for at, one in enumerate(members):
                    self._clauses += [[-switch, -one, -other] for other in members[at + 1 :]]
        for rule in self.catalogue.rules:
            switch = self._new_switch(Reason(rule.key, rule.sentence))
            when = [-number for number in self._numbers(rule.when)]
            if rule.needs_any:
                self._clauses.append([-switch, *when, *self._numbers(rule.needs_any)])
            for number in self._numbers(rule.excludes):
                self._clauses.append([-switch, *when, -number])

    def _new_switch(self, reason: Reason) -> int:
        self._switch += 1
        self._reasons[self._switch] = reason
        return self._switch

    def _refuse_contradictions(self) -> None:
        """Each option must be in some car; so must none, which is to say that there is a car."""
        with self._solver() as solver:
            for wanted in ([], *([number] for number in self._names)):
                assumed = [*self._reasons, *wanted]
                if not solver.solve(assumptions=assumed):
                    found = self._explained(solver, assumed)
                    what = f"No car can have {found.choices[0]}" if found.choices else "No car is"
                    rules = ", ".join(reason.key for reason in found.reasons)
                    raise CatalogueContradicts(
                        f"{what} by the catalogue {self.catalogue.version}: {rules}."
                    )

    # --- asking -------------------------------------------------------------------------------

    @contextmanager
    def _solver(self) -> Iterator[Solver]:
        solver = Solver(name=SOLVER, bootstrap_with=self._clauses)
        try:
            yield solver
        finally:
            solver.delete()

    def _possible(self, solver: Solver, chosen: Sequence[str]) -> set[str]:
        possible: set[str] = set()
        for kept, members in self._by_kept(chosen).items():
            assumed = [*self._reasons, *self._numbers(kept)]
            here: set[str] = set()  # what a model of these very assumptions has
            for key in members:
                if key not in here and solver.solve(assumptions=[*assumed, self._literals[key]]):
                    here |= self._options_in(solver.get_model())
            possible |= here & set(members)
        return possible

    def _by_kept(self, chosen: Sequence[str]) -> dict[tuple[str, ...], list[str]]:
        """Which choices are kept while these options are asked for."""
        found: dict[tuple[str, ...], list[str]] = {}
        for key in self.catalogue.options:
            found.setdefault(self._without_group_of(chosen, key), []).append(key)
        return found

    def _without_group_of(self, chosen: Sequence[str], wish: str) -> tuple[str, ...]:
        group = self.catalogue.options[wish].group
        if group not in self._exclusive:
            return tuple(chosen)
        options = self.catalogue.options
        return tuple(key for key in chosen if options[key].group != group)

    @cached_property
    def _exclusive(self) -> frozenset[str]:
        return frozenset(
            group.key for group in self.catalogue.groups if group.kind is GroupKind.EXACTLY_ONE
        )

    def _forced(self, solver: Solver, chosen: Sequence[str]) -> set[str]:
        assumed = [*self._reasons, *self._numbers(chosen)]
        if not solver.solve(assumptions=assumed):
            return set()
        open_keys = self._options_in(solver.get_model())
        forced: set[str] = set()
        while open_keys:
            key = min(open_keys)
            open_keys.discard(key)
            if solver.solve(assumptions=[*assumed, -self._literals[key]]):
                open_keys &= self._options_in(solver.get_model())
            else:
                forced.add(key)
        return forced

    def _conflict(self, solver: Solver, chosen: Sequence[str]) -> Explanation | None:
        assumed = [*self._reasons, *self._numbers(chosen)]
        return None if solver.solve(assumptions=assumed) else self._explained(solver, assumed)

    def _explained(self, solver: Solver, assumed: Sequence[int]) -> Explanation:
        """A minimal core of assumptions that cannot be, found by leaving out one after another."""
        core = list(assumed)
        for literal in assumed:
            if literal in core:
                rest = [other for other in core if other != literal]
                if not solver.solve(assumptions=rest):
                    used = set(solver.get_core() or ())
                    core = [other for other in rest if other in used]
        return Explanation(
            reasons=tuple(self._reasons[number] for number in core if number in self._reasons),
            choices=tuple(self._names[number] for number in core if number in self._names),
        )

    def _refuse(self, found: Explanation | None) -> None:
        if found is not None:
            sentences = " ".join(reason.sentence for reason in found.reasons)
            raise ConfigurationImpossible(sentences or "These choices cannot all be.")

    def _hard_formula(self, chosen: Sequence[str]) -> WCNF:
        formula = WCNF()
        for clause in self._clauses:
            formula.append(clause)
        for number in (*self._reasons, *self._numbers(chosen)):
            formula.append([number])
        return formula

    def _best(self, formula: WCNF) -> list[int]:
        with RC2(formula) as search:
            model: list[int] | None = search.compute()
        assert model is not None, "an engine that refuses contradictions always finds a car"
        return model

    def _numbers(self, keys: Iterable[str]) -> list[int]:
        return [self._literals[key] for key in keys]

    def _options_in(self, model: Sequence[int]) -> set[str]:
        return {self._names[number] for number in model if number in self._names}
