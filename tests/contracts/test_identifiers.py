"""Identifiers keep their kind and all their bits."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts import identifiers
from monocoque.contracts.errors import IdentifierMalformed

BODY = "0123456789abcdefghjkmnpqrs"


@given(prefix=st.sampled_from(sorted(identifiers.PREFIXES)), bits=st.integers(0, 2**128 - 1))
def test_what_is_made_can_be_read_and_holds_every_bit(prefix, bits):
    text = identifiers.make(prefix, lambda count: bits if count == 128 else None)
    assert identifiers.parse(text, prefix) == text
    number = 0
    for character in text.removeprefix(prefix + "_"):
        number = number * 32 + identifiers.ALPHABET.index(character)
    assert number == bits


def test_one_seed_makes_one_identifier():
    first, second = (identifiers.make("car", random.Random(1).getrandbits) for _ in range(2))
    assert first == second
    assert identifiers.car_id(first) == first


def test_a_person_is_not_a_car():
    person = identifiers.make("person", random.Random(1).getrandbits)
    assert identifiers.person_id(person) == person
    with pytest.raises(IdentifierMalformed):
        identifiers.car_id(person)


def test_a_home_is_a_home():
    home = identifiers.make("home", random.Random(1).getrandbits)
    assert identifiers.home_id(home) == home


def test_an_order_is_an_order():
    order = identifiers.make("order", random.Random(1).getrandbits)
    assert identifiers.order_id(order) == order


def test_an_unknown_kind_is_not_made():
    with pytest.raises(IdentifierMalformed):
        identifiers.make("boat", random.Random(1).getrandbits)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("car_", id="no body"),
        pytest.param("car" + BODY, id="no underscore"),
        pytest.param("car_" + BODY[:-1], id="too short"),
        pytest.param("car_" + BODY + "0", id="too long"),
        pytest.param("car_8" + BODY[1:], id="more than 128 bits"),
        pytest.param("car_" + BODY.upper(), id="capitals"),
        pytest.param("car_" + BODY[:-1] + "i", id="i"),
        pytest.param("car_" + BODY[:-1] + "l", id="l"),
        pytest.param("car_" + BODY[:-1] + "o", id="o"),
        pytest.param("car_" + BODY[:-1] + "u", id="u"),
        pytest.param("car_" + BODY + "\n", id="line end"),
        pytest.param(" car_" + BODY, id="space"),
        pytest.param("car_" + BODY[:-1] + "\u0660", id="a digit of another script"),
        pytest.param("boat_" + BODY, id="another kind"),
    ],
)
def test_what_is_no_identifier_is_refused_and_not_repeated(text):
    with pytest.raises(IdentifierMalformed) as caught:
        identifiers.car_id(text)
    assert BODY not in str(caught.value)


def test_an_unknown_kind_is_not_read():
    with pytest.raises(IdentifierMalformed):
        identifiers.parse("boat_" + BODY, "boat")
