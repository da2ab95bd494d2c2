"""Receipts: what became of a command, signed by the car; together they are the car's log.

Rules:

* every genuine command gets one receipt, and the log is the chain of receipts: ``sequence`` counts
  from 1 without a gap, ``previous_sha256`` is the digest of the receipt before;
* digests are over what was signed, without the signature, which has two right forms (decision
  0011);
* a receipt names its command by id, by key and by digest: ``answers`` compares all three;
* a receipt is right whatever the time: a car with a wrong clock still says what it did;
* within one log no command is done twice.

Left out on purpose: where receipts are kept, and how they travel.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from monocoque.contracts.documents import RECEIPT
from monocoque.contracts.errors import DocumentMalformed, IdentifierMalformed, LogBroken
from monocoque.contracts.identifiers import parse
from monocoque.trust import base64url
from monocoque.trust.commands import AuthenticCommand
from monocoque.trust.documents import authenticate, sign, signing_digest
from monocoque.trust.keys import thumbprint
from monocoque.trust.outcomes import REASON_FORM, Outcome
from monocoque.trust.ports import Signer

DIGEST_BYTES: Final = 32
NO_RECEIPT_SHA256: Final = base64url.encode(bytes(DIGEST_BYTES))
"""What stands before the first receipt: 32 bytes of zero."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a car says about one command."""

    command_id: str
    key_id: str
    """Whose command it was."""
    scope: str
    command_sha256: str
    """``command_digest`` of the command."""
    outcome: Outcome
    reason: str | None = None
    """Why it was not done; None for done."""


@dataclass(frozen=True, slots=True)
class LogPlace:
    """How far a log is known. ``LogPlace()`` is before its first line."""

    sequence: int = 0
    sha256: str = NO_RECEIPT_SHA256
    """The digest of the receipt with this sequence."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One line of a car's log, with a right signature."""

    car_id: str
    answer: Answer
    sequence: int
    previous_sha256: str
    issued_s: int
    """When, in seconds since 1970 by the car's clock."""
    document: bytes

    @property
    def place(self) -> LogPlace:
        """Where the log stands after this line."""
        return LogPlace(self.sequence, signing_digest(self.document))


def answer_to(command: AuthenticCommand, outcome: Outcome, reason: str | None = None) -> Answer:
    """What the car says about this command."""
    return Answer(
        command_id=command.command_id,
        key_id=command.key_id,
        scope=command.scope,
        command_sha256=command.digest,
        outcome=outcome,
        reason=reason,
    )


def sign_receipt(answer: Answer, after: LogPlace, car_id: str, now_s: int, car: Signer) -> bytes:
    """The next line of the car's log.

    after: the place of the line before, ``LogPlace()`` for the first. now_s: seconds since 1970.
    Raises DocumentMalformed when the answer is none.
    """
    claims: dict[str, Any] = {
        "iss": car_id,
        "sub": answer.command_id,
        "iat": now_s,
        "key": answer.key_id,
        "scope": answer.scope,
        "command_sha256": answer.command_sha256,
        "outcome": str(answer.outcome),
        "sequence": after.sequence + 1,
        "previous_sha256": after.sha256,
    }
    if answer.reason is not None:
        claims["reason"] = str(answer.reason)
    document = sign(RECEIPT, claims, car)
    _read(claims, car_id, document)
    return document


def verify_receipt(document: bytes, car_id: str, car_key: Mapping[str, str]) -> Receipt:
    """The receipt, when this car signed it.

    car_key: the car's public key out of the maker's grant, never from the one who brought the
    receipt. Raises what ``documents.authenticate`` raises.
    """
    keys = {thumbprint(car_key): car_key}
    return _read(authenticate(RECEIPT, document, keys.get).claims, car_id, document)


def verify_log(
    receipts: Iterable[bytes],
    car_id: str,
    car_key: Mapping[str, str],
    after: LogPlace | None = None,
) -> tuple[Receipt, ...]:
    """The lines, when this car signed each and no line is missing, added or swapped.

    after: where the reader knows the log already; without it the log begins with its first line.
    Raises LogBroken, and what ``verify_receipt`` raises for one of them.
    """
    place = after or LogPlace()
    lines: list[Receipt] = []
    done: set[str] = set()
    for document in receipts:
        line = verify_receipt(document, car_id, car_key)
        if line.sequence != place.sequence + 1 or line.previous_sha256 != place.sha256:
            raise LogBroken(f"Line {line.sequence} does not follow on line {place.sequence}.")
        if line.answer.outcome is Outcome.DONE:
            if line.answer.command_sha256 in done:
                raise LogBroken(f"Line {line.sequence} says done of what was done before.")
            done.add(line.answer.command_sha256)
        place = line.place
        lines.append(line)
    return tuple(lines)


def answers(receipt: Receipt, command_id: str, key_id: str, command: bytes) -> bool:
    """Whether the receipt speaks of this very command of this key, and of no other."""
    answer = receipt.answer
    said = (answer.command_id, answer.key_id, answer.command_sha256)
    return said == (command_id, key_id, signing_digest(command))


def _read(claims: Mapping[str, Any], car_id: str, document: bytes) -> Receipt:
    """A receipt by its claims alone; raises DocumentMalformed."""
    if claims["iss"] != car_id:
        raise DocumentMalformed("The receipt is another car's.")
    texts = {name: claims[name] for name in ("key", "scope", "outcome")}
    if not all(isinstance(text, str) and text for text in texts.values()):
        raise DocumentMalformed("A claim of the receipt is not a text.")
    if texts["outcome"] not in list(Outcome):
        raise DocumentMalformed("The receipt has an unknown outcome.")
    outcome, reason = Outcome(texts["outcome"]), claims.get("reason")
    if reason is not None and not (isinstance(reason, str) and REASON_FORM.match(reason)):
        raise DocumentMalformed("The reason is not a word.")
    if (outcome is Outcome.DONE) != (reason is None):
        raise DocumentMalformed("A receipt says why a command was not done, and only then.")
    if type(claims["sequence"]) is not int or claims["sequence"] < 1:
        raise DocumentMalformed("The sequence is not a whole number from 1.")
    answer = Answer(
        command_id=_command_id(claims["sub"]),
        key_id=texts["key"],
        scope=texts["scope"],
        command_sha256=_digest(claims["command_sha256"]),
        outcome=outcome,
        reason=reason,
    )
    return Receipt(
        car_id=car_id,
        answer=answer,
        sequence=claims["sequence"],
        previous_sha256=_digest(claims["previous_sha256"]),
        issued_s=claims["iat"],
        document=document,
    )


def _digest(value: object) -> str:
    if not isinstance(value, str) or len(base64url.decode(value)) != DIGEST_BYTES:
        raise DocumentMalformed("A digest is not 32 bytes of base64url.")
    return value


def _command_id(value: str) -> str:
    try:
        return parse(value, "command")
    except IdentifierMalformed:
        raise DocumentMalformed("The receipt does not name a command.") from None
