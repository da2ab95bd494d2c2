"""Amounts: one number for one car, or an array with a number for each of many.

Rules:

* a formula is written once; it takes plain floats, or arrays of the array standard (data-apis.org,
  ``__array_namespace__``), or both mixed, and gives the same result for both;
* a branch is a choice between two results that are both worked out, since an array takes both.

Left out on purpose: the import of an array library. One car needs none, and starts sooner.
"""

import math
from typing import Any, Final, TypeAlias

Amount: TypeAlias = Any
"""A float, or an array of floats."""
Truth: TypeAlias = Any
"""A bool, or an array of bools."""

PLAIN: Final = (bool, int, float)


def least(one: Amount, other: Amount) -> Amount:
    """The smaller of both."""
    return choose(one < other, one, other)


def most(one: Amount, other: Amount) -> Amount:
    """The larger of both."""
    return choose(one > other, one, other)


def between(value: Amount, low: Amount, high: Amount) -> Amount:
    """The value, or the border that it lies beyond."""
    return most(low, least(value, high))


def choose(truth: Truth, yes: Amount, no: Amount) -> Amount:
    """The first where it is true, the second elsewhere."""
    if isinstance(truth, PLAIN):
        return yes if truth else no
    return truth.__array_namespace__().where(truth, yes, no)


def exponential(power: Amount) -> Amount:
    """E to this power."""
    if isinstance(power, PLAIN):
        return math.exp(power)
    return power.__array_namespace__().exp(power)


def root(value: Amount) -> Amount:
    """The square root of a value that is not negative."""
    if isinstance(value, PLAIN):
        return math.sqrt(value)
    return value.__array_namespace__().sqrt(value)


def logarithm(value: Amount) -> Amount:
    """The natural logarithm of a positive value."""
    if isinstance(value, PLAIN):
        return math.log(value)
    return value.__array_namespace__().log(value)
