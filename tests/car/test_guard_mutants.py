"""Whether the guard's cases would see a guard that is not quite the guard."""

from pathlib import Path

from tests.car.guard_mutants import EQUIVALENT, mutants, survives

PAGE = Path(__file__).parents[2] / "docs/protocol/guard.md"


def test_no_mutant_of_the_guard_survives_but_those_that_nobody_could_tell() -> None:
    made = list(mutants())
    assert f"{len(made)} times" in PAGE.read_text(encoding="utf-8")
    # Each once: a name that stands for two mutants would hide one of them.
    assert sorted(mutant.name for mutant in made if survives(mutant)) == sorted(EQUIVALENT)
    assert all(len(why.split()) > 5 for why in EQUIVALENT.values())
