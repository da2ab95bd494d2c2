"""A shop for tests of payments."""

import pytest

from tests.shop.stand import Store


@pytest.fixture
def store(clients, records) -> Store:
    """A shop; the test runs once with each store of records."""
    return Store(clients, records)
