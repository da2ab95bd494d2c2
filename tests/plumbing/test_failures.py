"""An error keeps its answers on its way over the bus."""

import pytest

from monocoque.contracts.errors import BusUnavailable, MonocoqueError, all_errors
from monocoque.contracts.wire.header_pb2 import Failure
from monocoque.plumbing.bus.failures import WHAT_CHARACTERS_MAX, from_failure, to_failure


@pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.__name__)
def test_an_error_arrives_as_it_was_sent(error):
    sent = error("It failed.", hint="Do this.")
    arrived = from_failure(Failure.FromString(to_failure(sent).SerializeToString()))
    assert type(arrived) is error
    for answer in ("code", "what", "hint", "may_have_happened", "temporary", "http_status"):
        assert getattr(arrived, answer) == getattr(sent, answer)


def test_the_sender_knows_better_than_the_class():
    failure = Failure(code="bus_unavailable", what="It.", may_have_happened=True)
    arrived = from_failure(failure)
    assert (arrived.may_have_happened, arrived.temporary) == (True, False)
    assert (BusUnavailable.may_have_happened, BusUnavailable.temporary) == (False, True)


def test_an_error_of_a_newer_version_keeps_its_code_and_answers():
    failure = Failure(code="brand_new", what="It.", may_have_happened=True, temporary=True)
    arrived = from_failure(failure)
    assert type(arrived) is MonocoqueError
    assert "brand_new" in arrived.what
    assert (arrived.may_have_happened, arrived.temporary) == (True, True)


def test_a_failure_that_says_nothing_has_the_usual_hint():
    assert from_failure(Failure(code="not_found")).hint


def test_a_long_sentence_is_cut():
    failure = to_failure(BusUnavailable("x" * 10_000, hint="y" * 10_000))
    assert (len(failure.what), len(failure.hint)) == (WHAT_CHARACTERS_MAX, WHAT_CHARACTERS_MAX)
    long = Failure(code="bus_unavailable", what="x" * 10_000, hint="y" * 10_000)
    assert len(from_failure(long).what) == WHAT_CHARACTERS_MAX
