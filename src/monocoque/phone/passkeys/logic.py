"""What a browser is asked for a passkey, and whether its answer holds; pure.

Rules:

* a passkey belongs to one host (its relying party, WebAuthn Level 3) and is made and used only on
  that host's own pages; the authenticator must know the person (user verification), and keep the
  key itself (a resident key), so that signing in asks for no name;
* a signature counter that does not grow is refused: somebody may have copied the key.

Left out on purpose: who makes authenticators (attestation), and the memory of spent challenges,
which is in the records.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from monocoque.contracts.errors import DocumentMalformed, PasskeyRefused
from monocoque.contracts.identifiers import PersonId
from monocoque.trust import base64url

RELYING_PARTY_NAME = "Monocoque"
CREDENTIAL_ID_BYTES_MAX = 1_023

_TROUBLES = (
    WebAuthnException,
    InvalidSignature,
    UnsupportedAlgorithm,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    struct.error,
)
"""What the library throws at bytes that no authenticator made."""


@dataclass(frozen=True)
class Host:
    """Where a passkey is made or used."""

    name: str
    """The relying party's identifier: the host without its port."""
    origin: str
    """The origin of its pages, such as http://phone.localhost:8000."""


@dataclass(frozen=True)
class MadeAnswer:
    """What a browser says after it made a passkey; each field is base64url."""

    credential_id: str
    client_data: str
    attestation: str


@dataclass(frozen=True)
class UsedAnswer:
    """What a browser says after it used a passkey; each field is base64url."""

    credential_id: str
    client_data: str
    authenticator_data: str
    signature: str
    user_handle: str


@dataclass(frozen=True)
class MadePasskey:
    """A passkey that may go on record."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True)
class PasskeyRow:
    """A passkey as it is on record."""

    passkey_id: str
    person_id: PersonId
    host: str
    name: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    created_us: int
    last_used_us: int | None = None


def passkey_id_of(credential_id: bytes) -> str:
    """What we call a passkey: the SHA-256 of the authenticator's own name for it."""
    return base64url.encode(hashlib.sha256(credential_id).digest())


def passkey_id_of_text(credential_id: str) -> str:
    """The same for a name in base64url; raises PasskeyRefused."""
    try:
        return passkey_id_of(base64url.decode(credential_id))
    except DocumentMalformed:
        raise PasskeyRefused("The name of the passkey is not base64url.") from None


def options_to_make(
    host: Host,
    person_id: PersonId,
    display_name: str,
    challenge: bytes,
    lifetime_s: int,
    known: Sequence[bytes],
) -> dict[str, Any]:
    """What ``navigator.credentials.create`` is asked; known: credentials there are already."""
    options = generate_registration_options(
        rp_id=host.name,
        rp_name=RELYING_PARTY_NAME,
        user_id=person_id.encode(),
        user_name=display_name,
        challenge=challenge,
        timeout=lifetime_s * 1_000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
    )
    return _plain(options_to_json(options))


def options_to_use(host: Host, challenge: bytes, lifetime_s: int) -> dict[str, Any]:
    """What ``navigator.credentials.get`` is asked: any passkey of this host."""
    options = generate_authentication_options(
        rp_id=host.name,
        challenge=challenge,
        timeout=lifetime_s * 1_000,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _plain(options_to_json(options))


def challenge_in(client_data: str) -> bytes:
    """The challenge that an answer names, before anything about it is believed.

    Raises PasskeyRefused when there is none.
    """
    try:
        return base64url.decode(json.loads(base64url.decode(client_data))["challenge"])
    except (DocumentMalformed, ValueError, KeyError, TypeError, RecursionError):
        raise PasskeyRefused("The answer names no challenge.") from None


def check_made(answer: MadeAnswer, host: Host, challenge: bytes) -> MadePasskey:
    """The new passkey, when everything about the answer is right; raises PasskeyRefused."""
    try:
        verified = verify_registration_response(
            credential={
                "id": answer.credential_id,
                "rawId": answer.credential_id,
                "type": "public-key",
                "response": {
                    "clientDataJSON": answer.client_data,
                    "attestationObject": answer.attestation,
                },
            },
            expected_challenge=challenge,
            expected_rp_id=host.name,
            expected_origin=host.origin,
            require_user_verification=True,
        )
    except _TROUBLES as error:
        raise PasskeyRefused("The new passkey's answer does not hold.") from error
    credential_id = verified.credential_id
    is_named = answer.credential_id == base64url.encode(credential_id)
    if not is_named or len(credential_id) > CREDENTIAL_ID_BYTES_MAX:
        raise PasskeyRefused("The new passkey has another name than it says.")
    return MadePasskey(credential_id, verified.credential_public_key, verified.sign_count)


def check_used(
    answer: UsedAnswer,
    host: Host,
    challenge: bytes,
    person_id: PersonId,
    known: MadePasskey,
) -> int:
    """The passkey's new signature count, when the answer is right; raises PasskeyRefused.

    person_id and known: as they stand on record.
    """
    try:
        if base64url.decode(answer.user_handle) != person_id.encode():
            raise PasskeyRefused("The passkey belongs to somebody else.")
        verified = verify_authentication_response(
            credential={
                "id": answer.credential_id,
                "rawId": answer.credential_id,
                "type": "public-key",
                "response": {
                    "clientDataJSON": answer.client_data,
                    "authenticatorData": answer.authenticator_data,
                    "signature": answer.signature,
                    "userHandle": answer.user_handle,
                },
            },
            expected_challenge=challenge,
            expected_rp_id=host.name,
            expected_origin=host.origin,
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=True,
        )
    except (*_TROUBLES, DocumentMalformed) as error:
        raise PasskeyRefused("The passkey's answer does not hold.") from error
    return verified.new_sign_count


def _plain(options: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(options)
    return plain
