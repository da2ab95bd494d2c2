"""Who takes part in the vectors of commands: keys of a seed, and right documents to change."""

import json
import random
from typing import Any

from monocoque.contracts.documents import COMMAND, HAND_OVER, KEY_GRANT, RECEIPT, DocumentType
from monocoque.trust import base64url
from monocoque.trust.commands import arguments_purpose, command_digest
from monocoque.trust.hand_over import hand_over_proof, make_code
from monocoque.trust.keys import PrivateKey, SeededKeyMaker
from monocoque.trust.sealing import SeededEncrypter
from tests.vectors.parts import made

NOW_S = 1_800_000_000
DAY_S = 86_400
_CHANCE = random.Random("commands")
_MAKER = SeededKeyMaker(_CHANCE.randbytes)
ROOT = _MAKER.make("ES256")
OWNER = _MAKER.make("ES256")
FRIEND = _MAKER.make("ES256")
GUEST = _MAKER.make("ES256")
FOURTH = _MAKER.make("ES256")
STRANGER = _MAKER.make("ES256")
CAR_SIGN = _MAKER.make("ES256")
CAR_SEAL = _MAKER.make("ES256")
CODE = make_code(_CHANCE.randbytes(16))
EPOCH = base64url.encode(_CHANCE.randbytes(16))
CAR_ID = "car_0123456789abcdefghjkmnpqrs"
OTHER_CAR_ID = "car_7zzzzzzzzzzzzzzzzzzzzzzzzz"
SCOPES = ["charge_limit", "climate", "lock", "unlock", "update"]
ABSENT = object()
"""In a change: the claim is left out."""

Claims = dict[str, Any]


def identifier(prefix: str, number: int) -> str:
    """An identifier that can be told from others by eye."""
    return f"{prefix}_{number:026d}"


def head(document_type: DocumentType, key: PrivateKey) -> Claims:
    """The header of a document by this key."""
    return {"alg": "ES256", "kid": key.key_id, "typ": document_type.typ}


def changed(claims: Claims, changes: Claims) -> Claims:
    """The claims with these changes."""
    both = claims | changes
    return {name: value for name, value in both.items() if value is not ABSENT}


MAKERS = {
    "iss": "maker",
    "aud": CAR_ID,
    "jti": identifier("grant", 1),
    "iat": NOW_S - DAY_S,
    "cnf": {"jwk": dict(OWNER.public_jwk)},
    "rights": SCOPES,
    "depth": 3,
    "car": {"sign": dict(CAR_SIGN.public_jwk), "seal": dict(CAR_SEAL.public_jwk)},
}
FRIENDS = {
    "iss": OWNER.key_id,
    "aud": CAR_ID,
    "jti": identifier("grant", 2),
    "iat": NOW_S - 3_600,
    "exp": NOW_S + DAY_S,
    "cnf": {"jwk": dict(FRIEND.public_jwk)},
    "rights": ["climate", "lock"],
    "depth": 2,
    "parent": identifier("grant", 1),
}
GUESTS = {
    "iss": FRIEND.key_id,
    "aud": CAR_ID,
    "jti": identifier("grant", 3),
    "iat": NOW_S - 600,
    "exp": NOW_S + 3_600,
    "cnf": {"jwk": dict(GUEST.public_jwk)},
    "rights": ["lock"],
    "depth": 1,
    "parent": identifier("grant", 2),
}


def makers(signer: PrivateKey = ROOT, **changes: Any) -> str:
    """The maker's grant to the owner."""
    return made(head(KEY_GRANT, signer), changed(MAKERS, changes), signer)


def friends(signer: PrivateKey = OWNER, **changes: Any) -> str:
    """The owner's grant to a friend: two rights for a day."""
    return made(head(KEY_GRANT, signer), changed(FRIENDS, changes), signer)


def guests(signer: PrivateKey = FRIEND, **changes: Any) -> str:
    """The friend's grant to a guest: one right for an hour."""
    return made(head(KEY_GRANT, signer), changed(GUESTS, changes), signer)


def sealed(arguments: object, command_id: str, reader: PrivateKey = CAR_SEAL) -> str:
    """Arguments sealed to the car; a text is taken as it is, anything else filled up."""
    text = json.dumps(arguments, sort_keys=True, separators=(",", ":")).ljust(256)
    plaintext = arguments if isinstance(arguments, str) else text
    purpose = arguments_purpose(command_id)
    chance = random.Random(f"{command_id} {reader.key_id} {plaintext}")
    encrypter = SeededEncrypter(chance.randbytes)
    return base64url.encode(encrypter.seal(reader.public_jwk, plaintext.encode(), purpose))


def claims_of(number: int, scope: str, arguments: object, key: PrivateKey = OWNER) -> Claims:
    """The claims of a right command."""
    command_id = identifier("command", number)
    return {
        "iss": key.key_id,
        "aud": CAR_ID,
        "jti": command_id,
        "iat": NOW_S,
        "exp": NOW_S + 600,
        "epoch": EPOCH,
        "counter": number,
        "scope": scope,
        "sealed": sealed(arguments, command_id),
    }


LOCK = claims_of(1, "lock", {})


def command(signer: PrivateKey = OWNER, **changes: Any) -> str:
    """A right command to lock the car, with these changes."""
    return made(head(COMMAND, signer), changed(LOCK | {"iss": signer.key_id}, changes), signer)


def asked(scope: str, arguments: object) -> str:
    """The owner's command with these arguments."""
    return made(head(COMMAND, OWNER), claims_of(2, scope, arguments), OWNER)


RECEIVED = {
    "iss": CAR_ID,
    "sub": identifier("command", 1),
    "iat": NOW_S + 1,
    "key": OWNER.key_id,
    "scope": "lock",
    "command_sha256": command_digest(command().encode()),
    "outcome": "done",
    "sequence": 1,
    "previous_sha256": "A" * 43,
}


def receipt(signer: PrivateKey = CAR_SIGN, **changes: Any) -> str:
    """The car's receipt for the right command, the first line of its log, with these changes."""
    return made(head(RECEIPT, signer), changed(RECEIVED, changes), signer)


ASKING = {
    "iss": OWNER.key_id,
    "aud": "factory",
    "sub": CAR_ID,
    "jti": "1",
    "iat": NOW_S,
    "exp": NOW_S + 600,
    "cnf": {"jwk": dict(OWNER.public_jwk)},
    "proof": hand_over_proof(CODE, CAR_ID, OWNER.key_id),
}


def hand_over(signer: PrivateKey = OWNER, **changes: Any) -> str:
    """The owner's request for the car, with these changes."""
    return made(head(HAND_OVER, signer), changed(ASKING, changes), signer)
