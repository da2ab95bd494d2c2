"""The vectors that the pages read too: they are up to date, and this side agrees with them."""

import json

import pytest

from monocoque.contracts.documents import DOCUMENT_TYPES
from monocoque.contracts.errors import DocumentRefused
from monocoque.trust.documents import SECOND_US, verify
from tests.vectors.generate import FILE, vectors

VECTORS = json.loads(FILE.read_text(encoding="utf-8"))
TYPES = {row.typ: row for row in DOCUMENT_TYPES}


def test_the_file_is_what_the_rules_give():
    assert FILE.read_text(encoding="utf-8") == vectors()


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_reader_says_what_the_vector_says(case):
    try:
        verify(
            TYPES[case["typ"]],
            case["document"].encode(),
            VECTORS["keys"].get,
            VECTORS["now_s"] * SECOND_US,
            case["audience"],
        )
        code = None
    except DocumentRefused as error:
        code = error.code
    assert code == case["code"]
