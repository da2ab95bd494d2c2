"""The shared vectors: Python says of each what the file says, as the pages do."""

import json
import re
from pathlib import Path

import pytest

from monocoque.contracts.documents import DOCUMENT_TYPES
from monocoque.contracts.errors import DocumentRefused
from monocoque.trust import base64url
from monocoque.trust.documents import SECOND_US, verify
from monocoque.trust.keys import load_key
from monocoque.trust.sealing import open_sealed
from tests.vectors import generate

VECTORS = json.loads(generate.DOCUMENTS.read_text(encoding="utf-8"))
SEALED = json.loads(generate.SEALED.read_text(encoding="utf-8"))
PAGE = Path(__file__).parents[2] / "docs/protocol/documents.md"
TYPES = {row.typ: row for row in DOCUMENT_TYPES}


def said(read, *arguments):
    """What the reader says: its answer, or the code of its refusal."""
    try:
        return read(*arguments), None
    except DocumentRefused as error:
        return None, error.code


def test_the_files_are_what_the_rules_give():
    assert generate.DOCUMENTS.read_text(encoding="utf-8") == generate.documents()
    assert generate.SEALED.read_text(encoding="utf-8") == generate.sealed()


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_a_reader_says_of_a_document_what_the_vector_says(case):
    verified, code = said(
        verify,
        TYPES[case["typ"]],
        (case["document"] * case.get("times", 1)).encode(),
        VECTORS["keys"].get,
        VECTORS["now_s"] * SECOND_US,
        case["audience"],
    )
    assert code == case["code"]
    assert (verified.claims if verified else None) == case.get("claims")


@pytest.mark.parametrize("case", SEALED["cases"], ids=lambda case: case["name"])
def test_a_reader_says_of_a_sealed_message_what_the_vector_says(case):
    key = load_key(json.dumps(case["key"]).encode())
    sealed, purpose = (base64url.decode(case[name]) for name in ("sealed", "purpose"))
    plaintext, code = said(open_sealed, key, sealed, purpose)
    assert code == case["code"]
    assert plaintext == (None if code else base64url.decode(case["plaintext"]))


def squeezed(text):
    return "".join(text.split())


def test_the_worked_bytes_of_the_specification_are_those_of_the_vectors():
    """Every document, key and sealed message on the page, and nothing else that looks like one."""
    page = squeezed(PAGE.read_text(encoding="utf-8"))
    cases = {case["name"]: case for case in VECTORS["cases"]}
    shown = [cases[name] for name in ("right", "for the reader", "for ever")]
    assert re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", page) == [case["document"] for case in shown]
    for case in shown:
        header = json.loads(base64url.decode(case["document"].split(".")[0]))
        claims = {name: "…" if name == "birth" else case["claims"][name] for name in case["claims"]}
        for value in (header, claims):
            assert squeezed(json.dumps(value, ensure_ascii=False)) in page
    for case in (shown[0], shown[2]):
        key_id = json.loads(base64url.decode(case["document"].split(".")[0]))["kid"]
        assert squeezed(json.dumps(VECTORS["keys"][key_id])) in page
    message = next(case for case in SEALED["cases"] if case["name"] == "right")
    assert squeezed(json.dumps(message["key"], sort_keys=True)) in page
    assert f"```text{message['sealed']}```" in page
    assert squeezed(f"`{base64url.decode(message['purpose']).decode()}`") in page
    assert f"`{base64url.decode(message['plaintext']).decode()}`" in page
