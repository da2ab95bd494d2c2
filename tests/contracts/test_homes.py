"""The words between car, cell and home, and the page that explains them."""

import re
from pathlib import Path

from monocoque.cloud.homes.logic import State
from monocoque.contracts.homes import Outcome, Reason

PAGE = Path(__file__).parents[2] / "docs/protocol/homes.md"


def words_of(table_head: str) -> set[str]:
    """The words in the first column of one table of the page."""
    table = PAGE.read_text("utf-8").partition(table_head)[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_the_page_has_every_state_and_every_reason_and_no_others():
    assert words_of("| State | Who says so | Meaning |") == {str(state) for state in State}
    assert words_of("| Reason | With | Meaning |") == {str(reason) for reason in Reason}


def test_a_home_says_nothing_that_the_cell_cannot_keep():
    assert {str(outcome) for outcome in Outcome} < {str(state) for state in State}
