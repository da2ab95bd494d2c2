"""The shared vectors of commands: Python says of each what the file says, as the pages do."""

import json
import re
from pathlib import Path

import pytest

from monocoque.contracts.errors import DocumentRefused
from monocoque.trust import base64url
from monocoque.trust.commands import AuthenticCommand, judge, open_arguments, open_envelope
from monocoque.trust.documents import SECOND_US
from monocoque.trust.grants import car_keys, read_chain
from monocoque.trust.hand_over import verify_hand_over
from monocoque.trust.keys import load_key
from monocoque.trust.outcomes import Outcome, Reason
from monocoque.trust.receipts import LogPlace, verify_log, verify_receipt
from monocoque.trust.scopes import SCOPES
from monocoque.trust.windows import CounterWindow, accept
from tests.vectors import commands, generate

VECTORS = json.loads(generate.COMMANDS.read_text(encoding="utf-8"))
CAR_ID = VECTORS["car_id"]
NOW_US = VECTORS["now_s"] * SECOND_US
SEAL_KEY = load_key(json.dumps(VECTORS["seal_key"]).encode())


def rows(kind):
    return pytest.mark.parametrize("case", VECTORS[kind], ids=lambda case: case["name"])


def said(read, *arguments):
    """What the reader says: its answer, or the code of its refusal."""
    try:
        return read(*arguments), None
    except DocumentRefused as error:
        return None, error.code


def opened(case):
    text = case["command"] * case.get("times", 1)
    grants = [grant.encode() for grant in case["grants"]]
    return said(open_envelope, text.encode(), grants, VECTORS["root"], CAR_ID)


def never(_grant_id):
    return False


class RememberingCar:
    """What a car adds to the checks without memory; the real one has records for it."""

    def __init__(self):
        self.window = CounterWindow()

    def judge(self, command: AuthenticCommand, now_us) -> Reason | None:
        if command.epoch != VECTORS["epoch"]:
            return Reason.EPOCH_OTHER
        reason = judge(command, now_us, never)
        if reason is not None:
            return reason
        window = accept(self.window, command.counter)
        if window is None:
            return Reason.COUNTER_USED
        self.window = window
        return None


def test_the_file_is_what_the_rules_give():
    assert generate.COMMANDS.read_text(encoding="utf-8") == commands.commands()


@rows("envelopes")
def test_a_car_takes_for_genuine_what_the_vector_says(case):
    command, code = opened(case)
    assert code == case["code"]
    if command is not None:
        assert judge(command, NOW_US, never) == case["reason"]


@pytest.mark.parametrize(
    "case",
    [case for case in VECTORS["envelopes"] if "arguments" in case],
    ids=lambda case: case["name"],
)
def test_a_car_reads_of_arguments_what_the_vector_says(case):
    command, _ = opened(case)
    arguments, code = said(open_arguments, command, SEAL_KEY)
    assert (arguments if code is None else code) == case["arguments"]


@rows("sequences")
def test_a_car_that_remembers_says_what_the_vector_says(case):
    car = RememberingCar()
    grants = next(row for row in VECTORS["envelopes"] if row["name"] == "right")["grants"]
    for step in case["steps"]:
        command, code = opened({"command": step["command"], "grants": grants})
        assert code is None
        assert car.judge(command, NOW_US + step["after_s"] * SECOND_US) == step["reason"]


@rows("receipts")
def test_a_reader_says_of_a_receipt_what_the_vector_says(case):
    receipt, code = said(verify_receipt, case["document"].encode(), CAR_ID, VECTORS["car"]["sign"])
    assert code == case["code"]
    assert (receipt is None) == (code is not None)


@rows("logs")
def test_a_reader_says_of_a_log_what_the_vector_says(case):
    after = case["after"] and LogPlace(case["after"]["sequence"], case["after"]["sha256"])
    documents = [text.encode() for text in case["documents"]]
    lines, code = said(verify_log, documents, CAR_ID, VECTORS["car"]["sign"], after)
    assert code == case["code"]
    if lines is not None:
        assert [line.document for line in lines] == documents


@rows("hand_overs")
def test_a_factory_says_of_a_hand_over_what_the_vector_says(case):
    document, code = case["document"].encode(), case["hand_over_code"]
    request, refusal = said(verify_hand_over, document, CAR_ID, code, NOW_US)
    assert refusal == case["code"]
    if request is not None:
        assert request.jwk == {n: v for n, v in VECTORS["owner_key"].items() if n != "d"}


def test_the_grant_of_the_vectors_names_the_keys_of_the_car():
    right = next(row for row in VECTORS["envelopes"] if row["name"] == "right")
    chain = read_chain([text.encode() for text in right["grants"]], VECTORS["root"], CAR_ID)
    keys = car_keys(chain[0])
    assert {"sign": keys.sign, "seal": keys.seal} == VECTORS["car"]


PAGE = Path(__file__).parents[2] / "docs/protocol/commands.md"


def test_the_worked_bytes_of_the_specification_are_those_of_the_vectors():
    """Every document on the page, and nothing else that looks like one."""
    page = "".join(PAGE.read_text(encoding="utf-8").split())
    right = next(row for row in VECTORS["envelopes"] if row["name"] == "right")
    shown = [
        next(row for row in VECTORS["hand_overs"] if row["name"] == "right")["document"],
        *right["grants"],
        right["command"],
        next(row for row in VECTORS["receipts"] if row["name"] == "done")["document"],
    ]
    assert re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", page) == shown
    for document in shown:
        claims = json.loads(base64url.decode(document.split(".")[1]))
        assert "".join(json.dumps(claims).split()) in page
    for value in (VECTORS["root"], VECTORS["seal_key"]):
        assert "".join(json.dumps(value).split()) in page
    assert f"`{VECTORS['hand_over_code']}`" in page


def test_the_specification_names_every_outcome_reason_and_scope():
    page = PAGE.read_text(encoding="utf-8")
    for name in [*Outcome, *Reason, *SCOPES]:
        assert f"| `{name}` |" in page
