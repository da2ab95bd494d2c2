"""Commands: signed by a phone, sealed to a car, and the checks that need no memory.

Rules:

* *authentic* and *fresh* are two questions. ``open_envelope`` answers the first: what it takes was
  signed by a key that the maker's root leads to, for this car, and the car owes it a receipt. What
  it refuses is nobody's, and gets no answer;
* ``judge`` then looks at the time and the rights, and ``open_arguments`` at what is sealed;
* the memory of the car decides the rest: its epoch, the counter window of the key (windows.py),
  command ids that it knows, replaced commands, its owner;
* a deadline is strict, by the car's own clock;
* arguments are padded before they are sealed, so that their length says nothing.

Left out on purpose: the guard. It judges what the car would do, not who asks.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX, COMMAND, DOCUMENT_NUMBER_MAX
from monocoque.contracts.errors import (
    ArgumentsWrong,
    DecryptionFailed,
    DocumentMalformed,
    DocumentTooLarge,
    IdentifierMalformed,
)
from monocoque.contracts.identifiers import parse
from monocoque.contracts.strict_json import strict_object
from monocoque.trust import base64url
from monocoque.trust.documents import (
    SECOND_US,
    authenticate,
    sign,
    signing_digest,
)
from monocoque.trust.grants import RIGHT_FORM, Grant, judge_chain, read_chain
from monocoque.trust.keys import PrivateKey
from monocoque.trust.outcomes import Reason
from monocoque.trust.ports import Signer
from monocoque.trust.scopes import SCOPES, Arguments, check_arguments, find_scope
from monocoque.trust.sealing import Encrypter, open_sealed

ENVELOPE_BYTES_MAX: Final = 32_768
"""The command and its grants together."""
EPOCH_CHARACTERS_MAX: Final = 64
ARGUMENTS_BYTES: Final = 256
"""What is sealed has this length, filled up with spaces."""
ARGUMENTS_BYTES_MAX: Final = 1_024
"""What a car opens at most, so that later scopes may have more to say."""
SEALED_CHARACTERS_MAX: Final = 2_048


@dataclass(frozen=True, slots=True)
class CommandRequest:
    """What somebody wants of a car, before it is sealed and signed."""

    command_id: str
    car_id: str
    epoch: str
    """The epoch that the car said last."""
    counter: int
    """1 or more, one higher than the last of this key."""
    scope: str
    arguments: Arguments
    issued_s: int
    deadline_s: int
    """The car does nothing from this second on; at most 24 hours after ``issued_s``."""
    replaces: str | None = None
    """An older command that shall not be done any more."""


@dataclass(frozen=True, slots=True)
class AuthenticCommand:
    """A genuine command for this car, whatever the time; the car owes it a receipt."""

    command_id: str
    car_id: str
    key_id: str
    """Who asks: the key of the last grant."""
    grants: tuple[Grant, ...]
    """How the key came to its rights, the maker's grant first."""
    epoch: str
    counter: int
    scope: str
    issued_s: int
    deadline_s: int
    replaces: str | None
    sealed: bytes
    digest: str
    """``command_digest`` of the document, for the receipt."""
    document: bytes


def sign_command(
    request: CommandRequest, seal_jwk: Mapping[str, str], signer: Signer, encrypter: Encrypter
) -> bytes:
    """The command, its arguments sealed to the car's seal key, signed by the phone's key.

    Raises ScopeUnknown, ArgumentsWrong, DocumentMalformed, AlgorithmRefused.
    """
    arguments = check_arguments(find_scope(request.scope), request.arguments)
    text = json.dumps(arguments, separators=(",", ":"), sort_keys=True)
    plaintext = text.encode().ljust(ARGUMENTS_BYTES)
    sealed = encrypter.seal(seal_jwk, plaintext, arguments_purpose(request.command_id))
    claims: dict[str, Any] = {
        "iss": signer.key_id,
        "aud": request.car_id,
        "jti": request.command_id,
        "iat": request.issued_s,
        "exp": request.deadline_s,
        "epoch": request.epoch,
        "counter": request.counter,
        "scope": request.scope,
        "sealed": base64url.encode(sealed),
    }
    if request.replaces is not None:
        claims["replaces"] = request.replaces
    document = sign(COMMAND, claims, signer)
    _read(claims, signer.key_id, request.car_id, document, ())
    return document


def open_envelope(
    command: bytes, grants: Sequence[bytes], root: Mapping[str, str], car_id: str
) -> AuthenticCommand:
    """The command, when it is genuine, whatever the time and whatever the car remembers.

    grants: from the maker's to the one of the command's key. root: the maker's public key that
    the reader itself keeps. Raises a DocumentRefused: nobody can be told about this command.
    """
    if len(command) + sum(len(grant) for grant in grants) > ENVELOPE_BYTES_MAX:
        raise DocumentTooLarge(f"A command and its grants have at most {ENVELOPE_BYTES_MAX} bytes.")
    chain = read_chain(grants, root, car_id)
    keys = {chain[-1].key_id: chain[-1].jwk}
    claims = authenticate(COMMAND, command, keys.get, audience=car_id).claims
    return _read(claims, chain[-1].key_id, car_id, command, chain)


def judge(
    command: AuthenticCommand, now_us: int, is_revoked: Callable[[str], bool]
) -> Reason | None:
    """Why this genuine command must not be done now, or None: its times, its grants, its rights.

    now_us: microseconds since 1970 by the reader's clock. is_revoked: asked with each grant id.
    DEADLINE_PASSED makes the outcome "expired", every other reason "refused".
    """
    if now_us >= command.deadline_s * SECOND_US:
        return Reason.DEADLINE_PASSED
    if now_us < (command.issued_s - CLOCK_DIFFERENCE_S_MAX) * SECOND_US:
        return Reason.NOT_YET_VALID
    reason = judge_chain(command.grants, now_us, is_revoked)
    if reason is not None:
        return reason
    if command.scope not in SCOPES:
        return Reason.SCOPE_UNKNOWN
    if not all(command.scope in grant.rights for grant in command.grants):
        return Reason.RIGHT_MISSING
    return None


def open_arguments(command: AuthenticCommand, seal_key: PrivateKey) -> Arguments:
    """The arguments, opened with the car's seal key and checked by the table of scopes.

    Raises DecryptionFailed (the reason is ARGUMENTS_UNREADABLE), ArgumentsWrong (ARGUMENTS_WRONG)
    and ScopeUnknown.
    """
    plaintext = open_sealed(seal_key, command.sealed, arguments_purpose(command.command_id))
    if len(plaintext) > ARGUMENTS_BYTES_MAX:
        raise ArgumentsWrong(f"Arguments have at most {ARGUMENTS_BYTES_MAX} bytes.")
    try:
        arguments = strict_object(plaintext)
    except DocumentMalformed:
        raise ArgumentsWrong("The arguments are not a JSON object.") from None
    return check_arguments(find_scope(command.scope), arguments)


def read_arguments(command: AuthenticCommand, seal_key: PrivateKey) -> Arguments | Reason:
    """What ``open_arguments`` gives, or the reason for the receipt; raises ScopeUnknown."""
    try:
        return open_arguments(command, seal_key)
    except DecryptionFailed:
        return Reason.ARGUMENTS_UNREADABLE
    except ArgumentsWrong:
        return Reason.ARGUMENTS_WRONG


def command_digest(document: bytes) -> str:
    """What a receipt names a command by: SHA-256 over what was signed, as base64url.

    Raises DocumentTooLarge, DocumentMalformed.
    """
    return signing_digest(document)


def arguments_purpose(command_id: str) -> bytes:
    """What the arguments of a command are sealed for; so they open in no other command."""
    return f"monocoque-command.v1\n{command_id}".encode()


def _read(
    claims: Mapping[str, Any],
    key_id: str,
    car_id: str,
    document: bytes,
    chain: tuple[Grant, ...],
) -> AuthenticCommand:
    """A command by its claims alone; raises DocumentMalformed."""
    if claims["iss"] != key_id:
        raise DocumentMalformed("A command is issued by the key that signs it.")
    if claims["aud"] != car_id:
        raise DocumentMalformed("A command is for one car alone.")
    epoch, scope, sealed = (claims[name] for name in ("epoch", "scope", "sealed"))
    if not isinstance(epoch, str) or not 1 <= len(epoch) <= EPOCH_CHARACTERS_MAX:
        raise DocumentMalformed("The epoch is not a short text.")
    if not isinstance(scope, str) or RIGHT_FORM.match(scope) is None:
        raise DocumentMalformed("The scope is not a name.")
    if not isinstance(sealed, str) or len(sealed) > SEALED_CHARACTERS_MAX:
        raise DocumentMalformed("The sealed arguments are no text, or too long.")
    counter = claims["counter"]
    if type(counter) is not int or not 1 <= counter <= DOCUMENT_NUMBER_MAX:
        raise DocumentMalformed("The counter is not a whole number from 1.")
    command_id = _identifier(claims["jti"])
    replaces = _identifier(claims["replaces"]) if "replaces" in claims else None
    if replaces == command_id:
        raise DocumentMalformed("A command does not replace itself.")
    return AuthenticCommand(
        command_id=command_id,
        car_id=car_id,
        key_id=key_id,
        grants=chain,
        epoch=epoch,
        counter=counter,
        scope=scope,
        issued_s=claims["iat"],
        deadline_s=claims["exp"],
        replaces=replaces,
        sealed=base64url.decode(sealed),
        digest=command_digest(document),
        document=document,
    )


def _identifier(value: object) -> str:
    try:
        return parse(value if isinstance(value, str) else "", "command")
    except IdentifierMalformed:
        raise DocumentMalformed("A command is not named by an identifier of commands.") from None
