"""What a passkey must say to be believed, whatever else it says."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocoque.contracts.errors import PasskeyRefused
from monocoque.contracts.identifiers import PersonId
from monocoque.phone.passkeys import logic
from monocoque.phone.passkeys.logic import Host, MadeAnswer, MadePasskey, UsedAnswer
from monocoque.trust import base64url
from tests.phone.authenticator import PRESENT, VERIFIED, Authenticator

HOST = Host("phone.localhost", "http://phone.localhost:8000")
PERSON = PersonId("person_0123456789abcdefghjkmnpqrs")
CHALLENGE = bytes(range(32))
DEVICE = Authenticator()


def made(device: Authenticator, **changed: str) -> MadePasskey:
    options = logic.options_to_make(HOST, PERSON, "First owner", CHALLENGE, 300, [])
    return logic.check_made(MadeAnswer(**device.make(options) | changed), HOST, CHALLENGE)


def used(device: Authenticator, known: MadePasskey, **changed: str) -> int:
    options = logic.options_to_use(HOST, CHALLENGE, 300)
    answer = UsedAnswer(**device.use(options) | changed)
    return logic.check_used(answer, HOST, CHALLENGE, PERSON, known)


def test_a_device_that_answers_rightly_is_believed_and_its_count_is_told() -> None:
    device = Authenticator()
    known = made(device)

    assert known.credential_id == device.credential_id
    assert used(device, known) == 1


def test_the_browser_is_asked_for_a_key_that_stays_and_for_the_person() -> None:
    options = logic.options_to_make(HOST, PERSON, "First owner", CHALLENGE, 300, [b"known"])

    assert options["rp"] == {"id": "phone.localhost", "name": "Monocoque"}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert [base64url.decode(each["id"]) for each in options["excludeCredentials"]] == [b"known"]
    asked = logic.options_to_use(HOST, CHALLENGE, 300)
    assert (asked["userVerification"], asked["rpId"]) == ("required", "phone.localhost")


WRONG_DEVICES = [
    pytest.param({"origin": "http://phone.localhost:8001"}, id="another port"),
    pytest.param({"origin": "http://evil.localhost:8000"}, id="another origin"),
    pytest.param({"host": "console.localhost"}, id="another host"),
    pytest.param({"flags": PRESENT}, id="a person who was not verified"),
    pytest.param({"flags": VERIFIED}, id="a person who was not there"),
]


@pytest.mark.parametrize("wrong", WRONG_DEVICES)
def test_a_new_passkey_is_refused_from(wrong: dict[str, Any]) -> None:
    with pytest.raises(PasskeyRefused):
        made(Authenticator(**wrong))


@pytest.mark.parametrize("wrong", WRONG_DEVICES)
def test_a_known_passkey_is_refused_from(wrong: dict[str, Any]) -> None:
    device = Authenticator()
    known = made(device)
    for name, value in wrong.items():
        setattr(device, name, value)

    with pytest.raises(PasskeyRefused):
        used(device, known)


def test_a_new_passkey_is_refused_under_another_name_or_a_huge_one() -> None:
    with pytest.raises(PasskeyRefused):
        made(Authenticator(), credential_id=base64url.encode(b"another"))
    with pytest.raises(PasskeyRefused):
        made(Authenticator(credential_id=bytes(1_024)))


def test_a_count_that_does_not_grow_is_refused() -> None:
    device = Authenticator()
    known = made(device)
    used_already = MadePasskey(known.credential_id, known.public_key, 1)

    with pytest.raises(PasskeyRefused):
        used(device, used_already)


def test_a_key_that_is_not_on_record_and_another_person_are_refused() -> None:
    device = Authenticator()
    known = made(device)
    stranger = Authenticator(user_handle=device.user_handle)

    with pytest.raises(PasskeyRefused):
        used(stranger, known)
    with pytest.raises(PasskeyRefused):
        used(device, known, user_handle=base64url.encode(b"person_other"))
    with pytest.raises(PasskeyRefused):
        used(device, known, user_handle="=")


def test_an_answer_to_another_challenge_is_refused() -> None:
    device = Authenticator()
    known = made(device)
    answer = UsedAnswer(**device.use(logic.options_to_use(HOST, bytes(32), 300)))

    assert logic.challenge_in(answer.client_data) == bytes(32)
    with pytest.raises(PasskeyRefused):
        logic.check_used(answer, HOST, CHALLENGE, PERSON, known)


@pytest.mark.parametrize(
    "client_data",
    [
        pytest.param("", id="nothing"),
        pytest.param("=", id="not base64url"),
        pytest.param(base64url.encode(b"{"), id="not JSON"),
        pytest.param(base64url.encode(b"[]"), id="a list"),
        pytest.param(base64url.encode(b"{}"), id="no challenge"),
        pytest.param(base64url.encode(b'{"challenge": 7}'), id="a number"),
        pytest.param(base64url.encode(b"[" * 6_000), id="six thousand levels"),
    ],
)
def test_an_answer_without_a_challenge_is_refused(client_data: str) -> None:
    with pytest.raises(PasskeyRefused):
        logic.challenge_in(client_data)


def test_a_name_that_is_no_base64url_is_refused() -> None:
    assert logic.passkey_id_of_text("AAAA") == logic.passkey_id_of(bytes(3))
    with pytest.raises(PasskeyRefused):
        logic.passkey_id_of_text("A")


@given(
    st.sampled_from(["credential_id", "client_data", "attestation"]),
    st.integers(0, 10_000),
    st.binary(min_size=0, max_size=40),
)
def test_a_damaged_new_passkey_is_refused_or_is_the_same_key(
    part: str, place: int, damage: bytes
) -> None:
    options = logic.options_to_make(HOST, PERSON, "First owner", CHALLENGE, 300, [])
    answer = DEVICE.make(options)
    answer[part] = _damaged(answer[part], place, damage)
    with contextlib.suppress(PasskeyRefused):
        logic.check_made(MadeAnswer(**answer), HOST, CHALLENGE)


@given(
    st.sampled_from(["credential_id", "client_data", "authenticator_data", "signature"]),
    st.integers(0, 10_000),
    st.binary(min_size=1, max_size=40),
)
def test_a_damaged_answer_is_refused_unless_the_damage_changed_nothing(
    part: str, place: int, damage: bytes
) -> None:
    device = Authenticator()
    known = made(device)
    answer = device.use(logic.options_to_use(HOST, CHALLENGE, 300))
    before = answer[part]
    answer[part] = _damaged(before, place, damage)
    if answer[part] == before or part == "credential_id":
        return  # the name only says which key on record is to be tried
    with pytest.raises(PasskeyRefused):
        logic.check_used(UsedAnswer(**answer), HOST, CHALLENGE, PERSON, known)


def _damaged(text: str, place: int, damage: bytes) -> str:
    data = base64url.decode(text)
    place %= len(data)
    return base64url.encode(data[:place] + damage + data[place + len(damage) :])
