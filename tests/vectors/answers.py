"""Cases of commands.json: receipts, logs and hand-overs, right and wrong."""

import json
from typing import Any

from monocoque.contracts.documents import COMMAND, HAND_OVER, RECEIPT
from monocoque.trust.commands import command_digest
from monocoque.trust.hand_over import hand_over_proof, make_code
from tests.vectors import people
from tests.vectors.parts import made
from tests.vectors.people import (
    CAR_ID,
    CAR_SEAL,
    CAR_SIGN,
    CODE,
    NOW_S,
    OTHER_CAR_ID,
    OWNER,
    STRANGER,
    claims_of,
    command,
    hand_over,
    head,
    identifier,
    receipt,
)

Row = dict[str, Any]


def receipts() -> list[Row]:
    wrong = "document_malformed"
    unsigned = made(head(RECEIPT, CAR_SIGN) | {"alg": "none"}, people.RECEIVED, CAR_SIGN)
    refused: Row = {"outcome": "refused", "reason": "moving"}
    cases: list[tuple[str, str, str | None]] = [
        ("done", receipt(), None),
        ("refused", receipt(**refused), None),
        ("a word of tomorrow", receipt(outcome="failed", reason="jammed_by_ice2"), None),
        ("made long ago", receipt(iat=1), None),
        ("unknown claims are kept", receipt(new=[1]), None),
        ("a scope of tomorrow", receipt(scope="fly", **refused), None),
        ("by another", receipt(STRANGER), "key_unknown"),
        ("by the owner", receipt(OWNER), "key_unknown"),
        ("by the seal key", receipt(CAR_SEAL), "key_unknown"),
        ("forged", made(head(RECEIPT, CAR_SIGN), people.RECEIVED, STRANGER), "signature_invalid"),
        ("by nobody", unsigned.rpartition(".")[0] + ".", "algorithm_refused"),
        ("a command", command(), "document_type_unknown"),
        ("for an audience", receipt(aud=CAR_ID), "document_audience_wrong"),
        ("of another car", receipt(iss=OTHER_CAR_ID), wrong),
        ("of no command", receipt(sub="x"), wrong),
        ("unknown outcome", receipt(outcome="perhaps", reason="x"), wrong),
        ("outcome is a number", receipt(outcome=1), wrong),
        ("done with a reason", receipt(reason="moving"), wrong),
        ("refused without a reason", receipt(outcome="refused"), wrong),
        ("reason is a sentence", receipt(outcome="refused", reason="It moves."), wrong),
        ("reason is a number", receipt(outcome="refused", reason=1), wrong),
        ("key is a number", receipt(key=1), wrong),
        ("scope is empty", receipt(scope=""), wrong),
        ("sequence 0", receipt(sequence=0), wrong),
        ("sequence is a text", receipt(sequence="1"), wrong),
        ("sequence is true", receipt(sequence=True), wrong),
        ("short digest", receipt(command_sha256="AAAA"), wrong),
        ("digest is a number", receipt(previous_sha256=0), wrong),
    ]
    return [{"name": name, "document": document, "code": code} for name, document, code in cases]


def _log() -> list[str]:
    """Four lines that follow on one another."""
    lines: list[str] = []
    digest = "A" * 43
    for number in (1, 2, 3, 4):
        text = made(head(COMMAND, OWNER), claims_of(number, "lock", {}), OWNER)
        outcome: Row = {"outcome": "refused", "reason": "moving"} if number == 2 else {}
        document = receipt(
            sub=identifier("command", number),
            iat=NOW_S + number,
            command_sha256=command_digest(text.encode()),
            sequence=number,
            previous_sha256=digest,
            **outcome,
        )
        lines.append(document)
        digest = command_digest(document.encode())
    return lines


def logs() -> list[Row]:
    one, two, three, four = _log()
    digests = [command_digest(line.encode()) for line in (one, two, three, four)]
    after_two = {"sequence": 2, "sha256": digests[1]}
    repeated = receipt(sequence=2, previous_sha256=command_digest(receipt().encode()))
    unlinked = receipt(sequence=2, outcome="refused", reason="moving")
    skipped = receipt(sequence=3, previous_sha256=digests[0], outcome="refused", reason="moving")
    forged = made(head(RECEIPT, CAR_SIGN), people.RECEIVED, STRANGER)
    cases: list[tuple[str, list[str], Row | None, str | None]] = [
        ("nothing yet", [], None, None),
        ("whole", [one, two, three, four], None, None),
        ("from the third", [three, four], after_two, None),
        ("nothing new", [], after_two, None),
        ("first is missing", [two, three], None, "log_broken"),
        ("one is missing", [one, three, four], None, "log_broken"),
        ("swapped", [one, three, two], None, "log_broken"),
        ("one twice", [one, two, two], None, "log_broken"),
        ("another first line", [receipt(iat=NOW_S), two], None, "log_broken"),
        ("not chained", [one, unlinked], None, "log_broken"),
        ("a number left out", [one, skipped], None, "log_broken"),
        ("joined elsewhere", [four], after_two, "log_broken"),
        ("joined to another line", [three], after_two | {"sha256": digests[0]}, "log_broken"),
        ("done twice", [receipt(), repeated], None, "log_broken"),
        ("a line by another", [forged], None, "signature_invalid"),
        ("a line of another car", [receipt(iss=OTHER_CAR_ID)], None, "document_malformed"),
    ]
    return [
        {"name": name, "documents": lines, "after": after, "code": code}
        for name, lines, after, code in cases
    ]


def hand_overs() -> list[Row]:
    other_code = make_code(bytes(16))
    wrong = "hand_over_proof_wrong"
    stolen = hand_over(STRANGER, iss=STRANGER.key_id, cnf={"jwk": dict(STRANGER.public_jwk)})
    private = {"jwk": json.loads(OWNER.export())}
    late = hand_over(iat=NOW_S - 600, exp=NOW_S - 120)
    cases: list[tuple[str, str, str, str | None]] = [
        ("right", hand_over(), CODE, None),
        ("unknown claims are kept", hand_over(new=1), CODE, None),
        ("another code", hand_over(), other_code, wrong),
        ("proof by another code", _proven(other_code, CAR_ID, OWNER.key_id), CODE, wrong),
        ("proof for another car", _proven(CODE, OTHER_CAR_ID, OWNER.key_id), CODE, wrong),
        ("proof of another key", stolen, CODE, wrong),
        ("the code as its proof", hand_over(proof=CODE), CODE, wrong),
        ("proof with a letter", hand_over(proof="é"), CODE, wrong),
        ("proof is a number", hand_over(proof=1), CODE, "document_malformed"),
        ("no code", hand_over(), "AAAA", "document_malformed"),
        ("key without its holder", hand_over(STRANGER), CODE, "key_unknown"),
        ("forged", _forged(), CODE, "signature_invalid"),
        ("issued by another", hand_over(iss=STRANGER.key_id), CODE, "document_malformed"),
        ("another car", hand_over(sub=OTHER_CAR_ID), CODE, "document_malformed"),
        ("for another reader", hand_over(aud="cell"), CODE, "document_audience_wrong"),
        ("private key", hand_over(cnf=private), CODE, "document_malformed"),
        ("no key", hand_over(cnf={}), CODE, "document_malformed"),
        ("over", late, CODE, "document_expired"),
        ("made tomorrow", _tomorrow(), CODE, "document_not_yet_valid"),
        ("lives too long", hand_over(exp=NOW_S + 601), CODE, "document_malformed"),
        ("truncated", hand_over()[:-2], CODE, "signature_invalid"),
    ]
    return [
        {"name": name, "document": text, "hand_over_code": secret, "code": code}
        for name, text, secret, code in cases
    ]


def _proven(code: str, car_id: str, key_id: str) -> str:
    return hand_over(proof=hand_over_proof(code, car_id, key_id))


def _forged() -> str:
    return made(head(HAND_OVER, OWNER), people.ASKING, STRANGER)


def _tomorrow() -> str:
    return hand_over(iat=NOW_S + 121, exp=NOW_S + 600)
