"""What is signed here is read here; what would be wrong is not signed."""

from typing import Any

import pytest

from monocoque.contracts.errors import (
    ArgumentsWrong,
    DocumentExpired,
    DocumentMalformed,
    DocumentNotYetValid,
    GrantRefused,
    KeyUnknown,
    ScopeUnknown,
)
from monocoque.trust.commands import (
    AuthenticCommand,
    CommandRequest,
    arguments_purpose,
    command_digest,
    judge,
    open_arguments,
    open_envelope,
    read_arguments,
    sign_command,
)
from monocoque.trust.documents import SECOND_US
from monocoque.trust.grants import (
    CarKeys,
    car_keys,
    read_chain,
    sign_child_grant,
    sign_root_grant,
    verify_chain,
)
from monocoque.trust.hand_over import make_code, sign_hand_over, verify_hand_over
from monocoque.trust.outcomes import Outcome, Reason
from monocoque.trust.receipts import LogPlace, answer_to, answers, sign_receipt, verify_log
from monocoque.trust.sealing import SystemEncrypter, open_sealed
from tests.vectors.people import (
    CAR_ID,
    CAR_SEAL,
    CAR_SIGN,
    FRIEND,
    NOW_S,
    OWNER,
    ROOT,
    STRANGER,
    asked,
    identifier,
)

NOW_US = NOW_S * SECOND_US
KEYS = CarKeys(sign=CAR_SIGN.public_jwk, seal=CAR_SEAL.public_jwk)
MAKERS = sign_root_grant(ROOT, identifier("grant", 1), CAR_ID, OWNER.public_jwk, KEYS, NOW_S)
WARM = {"on": True, "temperature_decicelsius": 210}


def never(_grant_id):
    return False


def owner_grant():
    return read_chain([MAKERS], ROOT.public_jwk, CAR_ID)[0]


def friends(holder=OWNER, rights=frozenset({"lock"}), depth=2, lifetime_s=3_600):
    return sign_child_grant(
        holder,
        owner_grant(),
        identifier("grant", 2),
        FRIEND.public_jwk,
        rights,
        depth,
        NOW_S,
        NOW_S + lifetime_s,
    )


def signed(scope="climate", arguments=WARM, signer=OWNER, **changes):
    fields: dict[str, Any] = {
        "command_id": identifier("command", 1),
        "car_id": CAR_ID,
        "epoch": "epoch",
        "counter": 1,
        "issued_s": NOW_S,
        "deadline_s": NOW_S + 60,
    }
    request = CommandRequest(scope=scope, arguments=arguments, **fields | changes)
    return sign_command(request, CAR_SEAL.public_jwk, signer, SystemEncrypter())


def opened(command, grants=(MAKERS,)) -> AuthenticCommand:
    return open_envelope(command, list(grants), ROOT.public_jwk, CAR_ID)


@pytest.mark.parametrize(
    ("scope", "arguments", "size_bytes"),
    [
        ("lock", {}, 256),
        ("climate", WARM, 256),
        ("scene_put", {"scene": "{}"}, 1_024),
        ("scene_put", {"scene": "\u00e4" * 500}, 1_024),
    ],
)
def test_what_is_sealed_has_a_length_that_the_scope_alone_decides(scope, arguments, size_bytes):
    command = opened(signed(scope, arguments))
    plaintext = open_sealed(CAR_SEAL, command.sealed, arguments_purpose(command.command_id))
    assert len(plaintext) == size_bytes
    assert open_arguments(command, CAR_SEAL) == arguments


@pytest.mark.parametrize("text", ["\u5b57" * 400, "\ud800"])
def test_a_text_that_no_car_would_open_is_not_signed(text):
    with pytest.raises(ArgumentsWrong):
        signed("scene_put", {"scene": text})


def test_a_signed_command_is_opened_with_its_arguments():
    command = opened(signed(replaces=identifier("command", 9)))
    assert command.replaces == identifier("command", 9)
    assert judge(command, NOW_US, never) is None
    assert open_arguments(command, CAR_SEAL) == WARM
    assert read_arguments(command, CAR_SEAL) == WARM
    assert read_arguments(command, STRANGER) is Reason.ARGUMENTS_UNREADABLE


def test_the_length_of_a_command_does_not_tell_its_arguments():
    lengths = {len(opened(signed(arguments=WARM | {"on": on})).sealed) for on in (True, False)}
    assert len(lengths) == 1


def test_wrong_arguments_are_a_reason():
    command = opened(asked("lock", {"doors": 1}).encode())
    assert read_arguments(command, CAR_SEAL) is Reason.ARGUMENTS_WRONG


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": "fly", "arguments": {}}, ScopeUnknown),
        ({"arguments": {}}, ArgumentsWrong),
        ({"counter": 0}, DocumentMalformed),
        ({"deadline_s": NOW_S}, DocumentMalformed),
        ({"command_id": "x"}, DocumentMalformed),
    ],
)
def test_a_wrong_command_is_not_signed(change, error):
    with pytest.raises(error):
        signed(**change)


def test_a_child_grant_gives_what_it_says_until_it_is_revoked_or_over():
    chain = [MAKERS, friends()]
    verified = verify_chain(chain, ROOT.public_jwk, CAR_ID, NOW_US, never)
    assert [grant.key_id for grant in verified] == [OWNER.key_id, FRIEND.key_id]
    with pytest.raises(GrantRefused):
        verify_chain(chain, ROOT.public_jwk, CAR_ID, NOW_US, identifier("grant", 1).__eq__)
    with pytest.raises(DocumentExpired):
        verify_chain(chain, ROOT.public_jwk, CAR_ID, NOW_US + 3_600 * SECOND_US, never)
    with pytest.raises(DocumentNotYetValid):
        verify_chain(chain, ROOT.public_jwk, CAR_ID, NOW_US - 121 * SECOND_US, never)


def test_a_revoked_grant_stops_a_command():
    command = opened(signed("lock", {}, FRIEND), [MAKERS, friends()])
    assert judge(command, NOW_US, identifier("grant", 2).__eq__) is Reason.GRANT_REVOKED


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"rights": frozenset({"fly"})}, GrantRefused),
        ({"depth": 3}, GrantRefused),
        ({"lifetime_s": 7 * 86_400 + 1}, GrantRefused),
        ({"holder": STRANGER}, KeyUnknown),
    ],
)
def test_a_grant_that_gives_too_much_is_not_signed(change, error):
    with pytest.raises(error):
        friends(**change)


def test_only_the_makers_grant_names_the_keys_of_the_car():
    child = verify_chain([MAKERS, friends()], ROOT.public_jwk, CAR_ID, NOW_US, never)[1]
    assert car_keys(owner_grant()) == KEYS
    with pytest.raises(DocumentMalformed):
        car_keys(child)


def test_a_receipt_answers_its_command_and_no_other():
    document, other = signed(), signed(arguments=WARM | {"on": False})
    answer = answer_to(opened(document), Outcome.DONE)
    line = sign_receipt(answer, LogPlace(), CAR_ID, NOW_S, CAR_SIGN)
    second = answer_to(opened(other), Outcome.REFUSED, Reason.COUNTER_USED)
    lines = [line, sign_receipt(second, LogPlace(1, command_digest(line)), CAR_ID, NOW_S, CAR_SIGN)]
    log = verify_log(lines, CAR_ID, CAR_SIGN.public_jwk)
    assert answers(log[0], identifier("command", 1), OWNER.key_id, document)
    assert not answers(log[0], identifier("command", 1), OWNER.key_id, other)
    assert not answers(log[0], identifier("command", 1), FRIEND.key_id, document)
    assert log[1].answer.reason == "counter_used"


def test_a_hand_over_is_proven_by_its_code():
    code = make_code(bytes(range(16)))
    document = sign_hand_over(OWNER, CAR_ID, code, "request", NOW_S)
    assert verify_hand_over(document, CAR_ID, code, NOW_US).key_id == OWNER.key_id
    with pytest.raises(ValueError, match="16 bytes"):
        make_code(b"short")
