"""What may become of a command in the mailbox, by decision alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.cloud.commands.logic import (
    BEFORE_THE_FIRST,
    OPEN,
    Pace,
    Standing,
    State,
    Step,
    answered,
    cancelled,
    closed_by_time,
    due_us,
    line_digest,
    log_line,
    sent,
    step_at_hello,
    step_by_time,
)

PACE = Pace(pause_us=1_000, sends_max=3, grace_us=500)
DEADLINE_US = 100_000
WAITING = Standing(State.WAITING, DEADLINE_US)
SENT = sent(WAITING, 10_000)
CLOSED = [Standing(state, DEADLINE_US) for state in State if state not in OPEN]


@pytest.mark.parametrize(
    ("standing", "now_us", "step"),
    [
        (WAITING, 10_000, Step.REST),
        (WAITING, DEADLINE_US - 1, Step.REST),
        (WAITING, DEADLINE_US, Step.EXPIRE),
        (SENT, 10_999, Step.REST),
        (SENT, 11_000, Step.SEND),
        (sent(SENT, 11_000), 12_999, Step.REST),
        (sent(SENT, 11_000), 13_000, Step.SEND),
        (sent(sent(SENT, 11_000), 13_000), 99_999, Step.REST),
        (SENT, DEADLINE_US, Step.REST),
        (SENT, DEADLINE_US + 499, Step.REST),
        (SENT, DEADLINE_US + 500, Step.GIVE_UP),
        *[(closed, 2 * DEADLINE_US, Step.REST) for closed in CLOSED],
    ],
)
def test_time_asks_for_one_step(standing, now_us, step):
    assert step_by_time(standing, now_us, PACE) is step


@pytest.mark.parametrize(
    ("standing", "now_us", "step"),
    [
        (WAITING, 10_000, Step.SEND),
        (WAITING, DEADLINE_US, Step.REST),
        (SENT, 10_500, Step.REST),
        (SENT, 11_000, Step.SEND),
        (sent(sent(SENT, 11_000), 13_000), 50_000, Step.SEND),
        (SENT, DEADLINE_US, Step.REST),
        *[(closed, 10_000, Step.REST) for closed in CLOSED],
    ],
)
def test_a_hello_asks_for_one_step(standing, now_us, step):
    assert step_at_hello(standing, now_us, PACE) is step


def test_what_was_never_sent_expires_and_what_was_sent_is_unknown():
    assert closed_by_time(WAITING, Step.EXPIRE).state is State.EXPIRED
    assert closed_by_time(SENT, Step.GIVE_UP).state is State.UNKNOWN


def test_only_what_was_never_sent_is_cancelled():
    assert cancelled(WAITING, "taken_back").state is State.CANCELLED
    for standing in (SENT, *CLOSED):
        assert cancelled(standing, "taken_back") == standing


@pytest.mark.parametrize("standing", [WAITING, SENT, *CLOSED])
def test_the_cars_first_answer_decides_whatever_stood_there(standing):
    first = answered(standing, "refused", "moving")
    assert (first.state, first.reason) == (State.REFUSED, "moving")
    assert answered(first, "done", None) == first


@given(st.lists(st.integers(0, 200_000), max_size=20), st.booleans())
def test_a_command_is_looked_at_until_it_is_closed(times, is_sent):
    standing = sent(WAITING, 0) if is_sent else WAITING
    for now_us in sorted(times):
        due = due_us(standing, PACE)
        assert (due is None) == (standing.state not in OPEN)
        step = step_by_time(standing, now_us, PACE)
        if step is Step.SEND:
            assert due <= now_us < DEADLINE_US
            standing = sent(standing, now_us)
        elif step is not Step.REST:
            assert due <= now_us
            standing = closed_by_time(standing, step)
    assert standing.sends <= PACE.sends_max
    assert step_by_time(standing, 2**60, PACE) is not Step.SEND


def test_a_line_names_the_one_before_and_leaves_out_what_is_not_said():
    first = log_line(1, BEFORE_THE_FIRST, 5, {"kind": "sent", "reason": None})
    second = log_line(2, line_digest(first), 6, {"kind": "done"})
    assert first == ('{"kind":"sent","number":1,"previous_sha256":"' + "A" * 43 + '","time_us":5}')
    assert json.loads(second)["previous_sha256"] == line_digest(first)
    assert len(line_digest(first)) == 43
