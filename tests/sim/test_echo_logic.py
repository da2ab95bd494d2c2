"""What the answerer decides."""

import pytest

from monocoque.sim.echo.logic import Verdict, judge


@pytest.mark.parametrize(
    ("last_sequence", "sequence", "verdict"),
    [
        pytest.param(0, 1, Verdict.NEW, id="the first"),
        pytest.param(4, 5, Verdict.NEW, id="the next"),
        pytest.param(4, 4, Verdict.KNOWN, id="the last again"),
        pytest.param(4, 1, Verdict.KNOWN, id="an old one again"),
        pytest.param(4, 6, Verdict.EARLY, id="one is missing"),
        pytest.param(0, 2, Verdict.EARLY, id="the first is missing"),
    ],
)
def test_a_question_is_judged_by_its_place(last_sequence, sequence, verdict) -> None:
    assert judge(last_sequence, sequence) is verdict
