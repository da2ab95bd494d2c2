"""The tree of errors: every class answers every question, and the drawing is true."""

import re

import pytest

from monocoque.contracts import errors
from monocoque.contracts.errors import MonocoqueError, all_errors

ALL = pytest.mark.parametrize("error", all_errors(), ids=lambda error: error.__name__)


def drawn_names():
    drawing = errors.__doc__.split("The tree::")[1].split("Left out on purpose")[0]
    return re.findall(r"\b[A-Z][A-Za-z]+\b", drawing)


def test_the_drawing_names_each_class_once():
    names = [error.__name__ for error in all_errors()]
    assert sorted(drawn_names()) == sorted(names)
    assert len(set(names)) == len(names)


def test_the_drawing_puts_each_class_below_its_parent():
    drawing = errors.__doc__.split("The tree::")[1].split("Left out on purpose")[0]
    path: list[tuple[int, str]] = []
    for line in drawing.strip("\n").splitlines():
        names = re.findall(r"\b[A-Z][A-Za-z]+\b", line)
        if not names:
            continue
        depth = line.index(names[0])
        path = [entry for entry in path if entry[0] < depth]
        for name in names:
            parent = getattr(errors, name).__base__.__name__
            assert parent == (path[-1][1] if path else "Exception"), name
        path.append((depth, names[0]))


def test_codes_are_unique():
    codes = [error.code for error in all_errors()]
    assert len(set(codes)) == len(codes)


@ALL
def test_every_class_answers_every_question(error):
    made = error("Something happened.")
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", made.code)
    assert 400 <= made.http_status <= 599
    assert isinstance(made.may_have_happened, bool)
    assert isinstance(made.temporary, bool)
    assert made.hint == error.default_hint
    assert str(made) == made.what == "Something happened."
    assert error.__doc__
    assert "code" in vars(error)


@ALL
def test_a_better_hint_replaces_the_usual_one(error):
    assert error("It.", hint="Do this.").hint == "Do this."


@ALL
def test_what_changed_nothing_never_claims_otherwise(error):
    if error.http_status in range(400, 500):
        assert not error.may_have_happened


def test_the_root_comes_first_and_parents_before_children():
    order = all_errors()
    assert order[0] is MonocoqueError
    assert all(order.index(error.__base__) < order.index(error) for error in order[1:])
