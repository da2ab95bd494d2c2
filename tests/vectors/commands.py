"""The file commands.json, and its cases of grants and commands, right and wrong.

Of an envelope a reader says three things: ``code``, why it is not genuine; else ``reason``, why it
must not be done now; and what its arguments are, or why they cannot be read.
"""

import dataclasses
import json
from typing import Any

from monocoque.contracts.documents import COMMAND, KEY_GRANT, RECEIPT
from monocoque.trust.scopes import SCOPES, Scope, WholeNumber
from tests.vectors import people
from tests.vectors.answers import hand_overs, logs, receipts
from tests.vectors.parts import made, text_of
from tests.vectors.people import (
    ABSENT,
    CAR_ID,
    CAR_SEAL,
    CAR_SIGN,
    CODE,
    DAY_S,
    EPOCH,
    FOURTH,
    FRIEND,
    GUEST,
    LOCK,
    NOW_S,
    OTHER_CAR_ID,
    OWNER,
    ROOT,
    STRANGER,
    asked,
    claims_of,
    command,
    friends,
    guests,
    head,
    identifier,
    makers,
    sealed,
)

Row = dict[str, Any]
MAKERS, FRIENDS, GUESTS = makers(), friends(), guests()
TO_OWNER = [MAKERS]
TO_FRIEND = [MAKERS, FRIENDS]
TO_GUEST = [MAKERS, FRIENDS, GUESTS]


def _unsigned(algorithm: str) -> str:
    header = head(COMMAND, OWNER) | {"alg": algorithm}
    return made(header, LOCK, OWNER).rpartition(".")[0] + "."


def _with_header(**members: Any) -> str:
    return made(head(COMMAND, OWNER) | members, LOCK, OWNER)


def _documents() -> list[tuple[str, str, str]]:
    """Commands that are not genuine, with right grants."""
    right = command()
    first, second, signature = right.split(".")
    other = command(scope="unlock").split(".")[1]
    return [
        ("forged", made(head(COMMAND, OWNER), LOCK, STRANGER), "signature_invalid"),
        ("forged after signing", f"{first}.{other}.{signature}", "signature_invalid"),
        ("by a key without a grant", command(STRANGER), "key_unknown"),
        ("by the maker's root", command(ROOT), "key_unknown"),
        ("none", _unsigned("none"), "algorithm_refused"),
        ("HS256", _unsigned("HS256"), "algorithm_refused"),
        ("another algorithm", _with_header(alg="EdDSA"), "algorithm_refused"),
        ("small letters", _with_header(alg="es256"), "algorithm_refused"),
        ("a receipt", _with_header(typ=RECEIPT.typ), "document_type_unknown"),
        ("a key that it brings", _with_header(kid="x", jwk=1), "key_unknown"),
        ("crit", _with_header(crit=["exp"]), "critical_claim_unknown"),
        ("truncated", right[:-2], "signature_invalid"),
        ("truncated to two parts", f"{first}.{second}", "document_malformed"),
        ("empty", "", "document_malformed"),
        ("huge sealed", command(sealed="A" * 2_049), "document_malformed"),
        ("huge epoch", command(epoch="e" * 65), "document_malformed"),
        ("another car", command(aud=OTHER_CAR_ID), "document_audience_wrong"),
        ("two cars", command(aud=[CAR_ID, OTHER_CAR_ID]), "document_malformed"),
        ("no car", command(aud=ABSENT), "document_malformed"),
        ("issued by another", command(iss=FRIEND.key_id), "document_malformed"),
        ("counter 0", command(counter=0), "document_malformed"),
        ("counter is true", command(counter=True), "document_malformed"),
        ("counter is a text", command(counter="1"), "document_malformed"),
        ("counter is a fraction", command(counter=1.0), "document_malformed"),
        ("counter too large", command(counter=2**53), "document_malformed"),
        ("epoch is a number", command(epoch=1), "document_malformed"),
        ("epoch is empty", command(epoch=""), "document_malformed"),
        ("scope is a number", command(scope=1), "document_malformed"),
        ("scope in capitals", command(scope="Lock"), "document_malformed"),
        ("scope with a line end", command(scope="lock\n"), "document_malformed"),
        ("sealed is a number", command(sealed=1), "document_malformed"),
        ("sealed with padding", command(sealed="AA=="), "document_malformed"),
        ("no identifier", command(jti="1"), "document_malformed"),
        ("a grant's identifier", command(jti=identifier("grant", 1)), "document_malformed"),
        ("replaces itself", command(replaces=LOCK["jti"]), "document_malformed"),
        ("replaces no command", command(replaces="x"), "document_malformed"),
        ("replaces null", command(replaces=None), "document_malformed"),
        ("lives too long", command(exp=NOW_S + DAY_S + 1), "document_malformed"),
        ("never lived", command(exp=NOW_S), "document_malformed"),
    ]


def _maker_grants() -> list[tuple[str, list[str], str]]:
    """Chains for the owner's key whose first grant is wrong."""
    unsigned = made(head(KEY_GRANT, ROOT) | {"alg": "none"}, people.MAKERS, ROOT)
    forged = made(head(KEY_GRANT, ROOT), people.MAKERS, STRANGER)
    private = {"jwk": json.loads(OWNER.export())}
    no_point = {"jwk": dict(OWNER.public_jwk) | {"y": OWNER.public_jwk["x"]}}
    return [
        ("no grant", [], "grant_refused"),
        ("foreign maker's root", [makers(STRANGER)], "key_unknown"),
        ("foreign root by our name", [forged], "signature_invalid"),
        ("grant by nobody", [unsigned.rpartition(".")[0] + "."], "algorithm_refused"),
        ("grant for another car", [makers(aud=OTHER_CAR_ID)], "document_audience_wrong"),
        ("grant for two cars", [makers(aud=[CAR_ID, OTHER_CAR_ID])], "grant_refused"),
        ("grant not by the maker", [makers(iss="cell")], "grant_refused"),
        ("maker's grant with a parent", [makers(parent=identifier("grant", 9))], "grant_refused"),
        ("parent is null", [makers(parent=None)], "document_malformed"),
        ("grant to the root itself", [makers(cnf={"jwk": dict(ROOT.public_jwk)})], "grant_refused"),
        ("grant shows a private key", [makers(cnf=private)], "document_malformed"),
        ("grant to no point", [makers(cnf=no_point)], "document_malformed"),
        ("grant to nobody", [makers(cnf={})], "document_malformed"),
        ("rights are a text", [makers(rights="lock")], "document_malformed"),
        ("rights are empty", [makers(rights=[])], "document_malformed"),
        ("right is no name", [makers(rights=["lock", "Lock it"])], "document_malformed"),
        ("right is a number", [makers(rights=[1])], "document_malformed"),
        ("too many rights", [makers(rights=["lock"] * 65)], "document_malformed"),
        ("depth below 0", [makers(depth=-1)], "document_malformed"),
        ("depth too large", [makers(depth=4)], "document_malformed"),
        ("depth is true", [makers(depth=True)], "document_malformed"),
        ("grant without identifier", [makers(jti="1")], "document_malformed"),
        ("no maker's grant", [FRIENDS], "key_unknown"),
    ]


def _child_grants() -> list[tuple[str, list[str], str]]:
    """Chains whose last grant is not what its holder may give."""

    def to_friend(**changes: Any) -> list[str]:
        return [MAKERS, friends(**changes)]

    def to_guest(**changes: Any) -> list[str]:
        return [MAKERS, FRIENDS, guests(**changes)]

    fourth = guests(
        signer=GUEST,
        iss=GUEST.key_id,
        parent=identifier("grant", 3),
        jti=identifier("grant", 4),
        depth=0,
        cnf={"jwk": dict(FOURTH.public_jwk)},
    )
    flat = friends(depth=0)
    no_right = [makers(rights=["climate"]), FRIENDS]
    return [
        ("four grants", [*TO_GUEST, fourth], "grant_refused"),
        ("grants in another order", [FRIENDS, MAKERS], "key_unknown"),
        ("child by a stranger", [MAKERS, friends(STRANGER)], "key_unknown"),
        ("child by the root", [MAKERS, friends(ROOT)], "key_unknown"),
        ("middle left out", [MAKERS, GUESTS], "key_unknown"),
        ("child of another grant", to_friend(parent=identifier("grant", 9)), "grant_refused"),
        ("child of nobody", to_friend(parent=ABSENT), "grant_refused"),
        ("child issued by another", to_friend(iss="maker"), "grant_refused"),
        ("child for another car", to_friend(aud=OTHER_CAR_ID), "document_audience_wrong"),
        ("over-broad", to_guest(rights=["lock", "unlock"]), "grant_refused"),
        ("over-broad with an unknown right", to_friend(rights=["fly"]), "grant_refused"),
        ("over-broad below a narrow one", no_right, "grant_refused"),
        ("as deep as its parent", to_friend(depth=3), "grant_refused"),
        ("below one that ends the chain", [MAKERS, flat, guests(depth=0)], "grant_refused"),
        ("loop to the owner", to_guest(cnf={"jwk": dict(OWNER.public_jwk)}), "grant_refused"),
        ("loop to itself", to_friend(cnf={"jwk": dict(OWNER.public_jwk)}), "grant_refused"),
        ("loop to the root", to_guest(cnf={"jwk": dict(ROOT.public_jwk)}), "grant_refused"),
        ("child for ever", to_friend(exp=ABSENT), "grant_refused"),
        ("child ends as null", to_friend(exp=None), "document_malformed"),
        ("child lives too long", to_friend(exp=NOW_S - 3_600 + 7 * DAY_S + 1), "grant_refused"),
        ("child never lived", to_friend(exp=NOW_S - 3_600), "grant_refused"),
        ("begins before its parent", to_friend(iat=NOW_S - DAY_S - 1), "grant_refused"),
        ("begins before a late parent", _late_parent(), "grant_refused"),
        ("ends after its parent", to_guest(exp=NOW_S + DAY_S + 1), "grant_refused"),
    ]


def _late_parent() -> list[str]:
    return [MAKERS, friends(nbf=NOW_S), guests(nbf=NOW_S - 1)]


def _judged() -> list[tuple[str, str, list[str], str | None]]:
    """Genuine commands, and why they must not be done now."""
    last = {"exp": NOW_S + 600, "iat": NOW_S - 60}
    late = [MAKERS, friends(iat=NOW_S + 121)]
    to_fly = [makers(rights=[*people.SCOPES, "fly"])]
    return [
        ("over", command(iat=NOW_S - 600, exp=NOW_S), TO_OWNER, "deadline_passed"),
        ("almost over", command(iat=NOW_S - 600, exp=NOW_S + 1), TO_OWNER, None),
        ("made tomorrow", command(iat=NOW_S + 121), TO_OWNER, "not_yet_valid"),
        ("clocks differ a little", command(iat=NOW_S + 120), TO_OWNER, None),
        ("grant over", command(FRIEND), [MAKERS, friends(exp=NOW_S)], "grant_expired"),
        ("grant almost over", command(FRIEND), [MAKERS, friends(exp=NOW_S + 1)], None),
        ("maker's grant over", command(), [makers(exp=NOW_S)], "grant_expired"),
        ("grant not begun", command(FRIEND), late, "grant_not_yet_valid"),
        ("grant begun nearly", command(FRIEND), [MAKERS, friends(iat=NOW_S + 120)], None),
        ("grant later", command(), [makers(nbf=NOW_S + 121)], "grant_not_yet_valid"),
        ("unknown scope", command(scope="fly"), to_fly, "scope_unknown"),
        ("inherited scope", command(scope="constructor"), TO_OWNER, "scope_unknown"),
        ("right missing", command(FRIEND, scope="unlock"), TO_FRIEND, "right_missing"),
        ("right missing below", command(GUEST, scope="climate"), TO_GUEST, "right_missing"),
        ("by the friend", command(FRIEND, **last), TO_FRIEND, None),
        ("by the guest", command(GUEST, **last), TO_GUEST, None),
        ("unknown claims are kept", command(new={"a": [None]}), TO_OWNER, None),
        ("replaces another", command(replaces=identifier("command", 9)), TO_OWNER, None),
    ]


def _arguments() -> list[tuple[str, str, object]]:
    """Genuine commands, and their arguments, or why they cannot be read."""
    jti = LOCK["jti"]
    right = LOCK["sealed"]
    warm = {"on": True, "temperature_decicelsius": 210}
    agreed = {"release_number": 7, "agreed": True}
    wrong = "arguments_wrong"
    return [
        ("right", command(), {}),
        ("right unlock", asked("unlock", {}), {}),
        ("right climate", asked("climate", warm), warm),
        ("right charge limit", asked("charge_limit", {"percent": 80}), {"percent": 80}),
        ("right update", asked("update", agreed), agreed),
        ("latest release", asked("update", agreed | {"release_number": 2**31 - 1}),
         agreed | {"release_number": 2**31 - 1}),
        ("release 0", asked("update", agreed | {"release_number": 0}), wrong),
        ("release too late", asked("update", agreed | {"release_number": 2**31}), wrong),
        ("agreed to no release", asked("update", {"agreed": True}), wrong),
        ("lowest", asked("charge_limit", {"percent": 50}), {"percent": 50}),
        ("highest", asked("climate", warm | {"temperature_decicelsius": 280}),
         warm | {"temperature_decicelsius": 280}),
        ("not filled up", asked("lock", "{}"), {}),
        ("wrong seal key", command(sealed=sealed({}, jti, STRANGER)), "decryption_failed"),
        ("sealed for the signing key", command(sealed=sealed({}, jti, CAR_SIGN)),
         "decryption_failed"),
        ("sealed for another command", command(jti=identifier("command", 7)), "decryption_failed"),
        ("sealed was altered", command(sealed="BA" + right[2:-4] + "AAAA"), "decryption_failed"),
        ("sealed is empty", command(sealed=""), "decryption_failed"),
        ("too cold", asked("climate", warm | {"temperature_decicelsius": 159}), wrong),
        ("too warm", asked("climate", warm | {"temperature_decicelsius": 281}), wrong),
        ("too low", asked("charge_limit", {"percent": 49}), wrong),
        ("too high", asked("charge_limit", {"percent": 101}), wrong),
        ("one is missing", asked("climate", {"on": True}), wrong),
        ("one too many", asked("lock", {"doors": 1}), wrong),
        ("arguments of another scope", asked("charge_limit", {}), wrong),
        ("number for yes or no", asked("climate", warm | {"on": 1}), wrong),
        ("yes for a number", asked("charge_limit", {"percent": True}), wrong),
        ("text for a number", asked("charge_limit", {"percent": "80"}), wrong),
        ("fraction", asked("charge_limit", '{"percent":80.0}'), wrong),
        ("argument twice", asked("charge_limit", '{"percent":80,"percent":81}'), wrong),
        ("arguments are a list", asked("lock", []), wrong),
        ("arguments are no JSON", asked("lock", "lock"), wrong),
        ("arguments too long", asked("lock", "{}".ljust(1_025)), wrong),
    ]  # fmt: skip


def _envelopes() -> list[Row]:
    rows = [_envelope(name, text, TO_OWNER, code=code) for name, text, code in _documents()]
    huge = _envelope("huge", "a", TO_OWNER, code="document_too_large") | {"times": 32_768}
    for name, chain, code in [*_maker_grants(), *_child_grants()]:
        key = {1: OWNER, 2: FRIEND, 3: GUEST}.get(len(chain), FOURTH)
        rows.append(_envelope(name, command(key), chain, code=code))
    for name, text, chain, reason in _judged():
        rows.append(_envelope(name, text, chain, reason=reason))
    for name, text, said in _arguments():
        rows.append(_envelope(name, text, TO_OWNER) | {"arguments": said})
    return [*rows, huge]


def _envelope(
    name: str, text: str, chain: list[str], code: str | None = None, reason: str | None = None
) -> Row:
    return {"name": name, "command": text, "grants": chain, "code": code, "reason": reason}


def _sequences() -> list[Row]:
    """What a car that remembers says, one command after the other."""
    numbers = {n: claims_of(n, "lock", {}) for n in (1, 2, 3, 7, 8, 70)}
    texts = {n: made(head(COMMAND, OWNER), claims, OWNER) for n, claims in numbers.items()}
    other = made(head(COMMAND, OWNER), numbers[3] | {"epoch": "other"}, OWNER)
    used, over = "counter_used", "deadline_passed"
    steps: dict[str, list[tuple[str, int, str | None]]] = {
        "replayed": [(texts[1], 0, None), (texts[1], 0, used), (texts[1], 599, used)],
        "reordered": [(texts[3], 0, None), (texts[1], 0, None), (texts[2], 0, None)],
        "replayed after others": [(texts[3], 0, None), (texts[1], 0, None), (texts[3], 0, used)],
        "delayed to the end": [(texts[1], 599, None), (texts[2], 600, over)],
        "below the window": [(texts[70], 0, None), (texts[7], 0, None), (texts[7], 0, used),
                             (texts[3], 0, used), (texts[8], 0, None)],
        "another epoch": [(other, 0, "epoch_other"), (texts[3], 0, None)],
    }  # fmt: skip
    return [
        {
            "name": name,
            "steps": [{"command": text, "after_s": s, "reason": said} for text, s, said in row],
        }
        for name, row in steps.items()
    ]


def _limits(scope: Scope) -> Row:
    """The arguments of a scope, as both sides write them down."""
    return {
        name: dataclasses.asdict(row) if isinstance(row, WholeNumber) else "yes or no"
        for name, row in scope.arguments.items()
    }


def commands() -> str:
    """The text of commands.json."""
    return text_of(
        {
            "now_s": NOW_S,
            "car_id": CAR_ID,
            "epoch": EPOCH,
            "root": dict(ROOT.public_jwk),
            "car": {"sign": dict(CAR_SIGN.public_jwk), "seal": dict(CAR_SEAL.public_jwk)},
            "seal_key": json.loads(CAR_SEAL.export()),
            "owner_key": json.loads(OWNER.export()),
            "hand_over_code": CODE,
            "scopes": {name: _limits(row) for name, row in SCOPES.items()},
            "envelopes": _envelopes(),
            "sequences": _sequences(),
            "receipts": receipts(),
            "logs": logs(),
            "hand_overs": hand_overs(),
        }
    )
