"""Signals of a broker outside are known by our numbers, whatever numbers it has."""

from dataclasses import replace

import pytest

from monocoque.car.kuksa.logic import names
from monocoque.car.kuksa.logic.names import FOREIGN_FROM, match
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.contracts.signals import CHARGE_LIMIT, IS_LOCKED, SPEED, ChangeType, DataType

OWN = Catalogue([SPEED, IS_LOCKED])


def test_a_signal_that_we_know_has_our_number_and_is_fresh_and_changes_as_ours():
    own = Catalogue([replace(SPEED, fresh_s=3.0)])
    listed = replace(SPEED, number=900, change_type=ChangeType.ON_CHANGE)
    catalogue, found = match(own, [listed])
    assert catalogue.at(SPEED.path).number == SPEED.number
    assert catalogue.at(SPEED.path).fresh_s == 3.0
    assert catalogue.at(SPEED.path).change_type is ChangeType.CONTINUOUS
    assert (found.theirs, found.ours) == ({SPEED.number: 900}, {900: SPEED.number})


def test_a_signal_of_another_type_is_not_the_same_and_takes_no_number_of_ours():
    other = replace(SPEED, data_type=DataType.DOUBLE)
    catalogue, found = match(OWN, [other, CHARGE_LIMIT])
    assert catalogue.at(SPEED.path).number == FOREIGN_FROM
    assert found.theirs == {FOREIGN_FROM: SPEED.number, CHARGE_LIMIT.number: CHARGE_LIMIT.number}


def test_without_a_catalogue_of_our_own_the_numbers_are_the_brokers():
    catalogue, found = match(None, [replace(SPEED, number=77)])
    assert catalogue.at(SPEED.path).number == 77
    assert found.ours_of((77,)) == (77,)


def test_many_numbers_are_turned_at_once_and_only_so_many_are_remembered():
    _, found = match(OWN, [replace(SPEED, number=5), replace(IS_LOCKED, number=6)])
    for _ in range(2):
        assert found.ours_of((6, 5)) == (IS_LOCKED.number, SPEED.number)
    for size in range(names.REMEMBERED_MAX + 2):
        found.ours_of((5,) * size)
    assert len(found._remembered) <= names.REMEMBERED_MAX
    with pytest.raises(KeyError):
        found.ours_of((7,))
