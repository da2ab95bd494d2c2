"""What each token makes the practice provider do."""

from collections import Counter

from monocoque.shop.payments.logic.states import Found
from monocoque.shop.practice.logic import BEHAVIOURS, BY_CHANCE, behaviour_of, kinds_of


def test_a_token_does_what_its_name_says() -> None:
    assert behaviour_of("practice-ok", 0).found is Found.CHARGED
    assert behaviour_of("practice-declined", 5).found is Found.DECLINED
    assert not behaviour_of("practice-times-out-after-charging", 0).answers
    assert behaviour_of("practice-other-amount", 0).extra_minor > 0


def test_a_token_that_does_not_exist_is_declined() -> None:
    assert behaviour_of("4242424242424242", 0).found is Found.DECLINED


def test_chance_takes_each_behaviour_by_its_weight() -> None:
    times = sum(behaviour.weight for behaviour in BEHAVIOURS.values())
    drawn = Counter(behaviour_of(BY_CHANCE, draw).purpose for draw in range(3 * times))
    assert drawn == {it.purpose: 3 * it.weight for it in BEHAVIOURS.values()}


def test_events_are_told_in_order_unless_the_token_wants_them_backwards() -> None:
    def kinds(token: str) -> tuple[str, ...]:
        return kinds_of(behaviour_of(token, 0))

    assert kinds("practice-ok") == ("charge.begun", "charge.charged")
    assert kinds("practice-slow") == ("charge.begun", "charge.charged")
    assert kinds("practice-declined") == ("charge.begun", "charge.declined")
    assert kinds("practice-reorders") == ("charge.charged", "charge.begun")
    assert kinds("practice-times-out-before-charging") == ()
