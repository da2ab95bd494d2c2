"""The table of signed documents, and the claims of each.

Rules:

* a document is stored and passed on as the very bytes that were signed;
* its JWS header carries ``typ``, which names kind and version; a reader takes only the ``typ`` it
  asked for, only by the algorithms of the row, and refuses any ``crit`` it does not know;
* claims that a reader does not know survive and are ignored (old cars read new documents);
* numbers are whole and small enough that every language reads the same one, also in claims that
  are added later;
* every document ends: ``exp`` is required unless the row says that it is a record for ever.

docs/protocol/documents.md shows every row with worked bytes.
Left out on purpose: signing and verifying, which is trust/.
"""

from dataclasses import dataclass
from typing import Final

DOCUMENT_BYTES_MAX: Final = 65_536
CLOCK_DIFFERENCE_S_MAX: Final = 120
"""How far two honest clocks may disagree when a time is checked."""
DOCUMENT_NUMBER_MAX: Final = 2**53 - 1
"""The largest number, and the smallest below zero, that every reader has (RFC 7493, 2.2)."""
DOCUMENT_DEPTH_MAX: Final = 16
"""How many objects and lists may lie in one another, the outermost counted."""


@dataclass(frozen=True, slots=True)
class DocumentType:
    """One row: what the document is, who signs it, and how long it may live."""

    typ: str
    algorithms: frozenset[str]
    """JWS ``alg`` names (RFC 7518, RFC 8037) that may sign it."""
    claims: frozenset[str]
    """Claims that must be there; more may be."""
    lifetime_s_max: int
    """Longest time from ``iat`` to ``exp``; 0 for a record that has no ``exp``."""
    signed_by: str
    purpose: str

    @property
    def expires(self) -> bool:
        """Whether it must carry ``exp``."""
        return self.lifetime_s_max > 0


CAR_BIRTH: Final = DocumentType(
    typ="monocoque-car-birth.v1+jws",
    algorithms=frozenset({"ES256"}),
    claims=frozenset({"iss", "sub", "iat", "exp", "jti", "cnf"}),
    lifetime_s_max=3_600,
    signed_by="factory",
    purpose="The factory says: the car `sub` holds the key `cnf` (RFC 7800), made in the car.",
)

CAR_ENROLMENT: Final = DocumentType(
    typ="monocoque-car-enrolment.v1+jws",
    algorithms=frozenset({"ES256"}),
    claims=frozenset({"iss", "aud", "iat", "exp", "jti", "birth", "bus_key"}),
    lifetime_s_max=300,
    signed_by="car",
    purpose="The car shows its birth document, proves that it holds the key in it, and asks for "
    "a place on the bus for the public key `bus_key`.",
)

PHONE_RELEASE: Final = DocumentType(
    typ="monocoque-phone-release.v1+jws",
    algorithms=frozenset({"EdDSA"}),
    claims=frozenset({"iss", "iat", "version", "bundle_sha256", "previous_sha256"}),
    lifetime_s_max=0,
    signed_by="build",
    purpose="One entry of the release log: these very files are the phone site of that version.",
)

HAND_OVER: Final = DocumentType(
    typ="monocoque-hand-over.v1+jws",
    algorithms=frozenset({"ES256"}),
    claims=frozenset({"iss", "aud", "sub", "iat", "exp", "jti", "cnf", "proof"}),
    lifetime_s_max=600,
    signed_by="phone",
    purpose="The owner's new key `cnf` asks the maker for the car `sub`; `proof` shows, bound to "
    "this key, that the hand-over code of the car is known (docs/protocol/commands.md).",
)

KEY_GRANT: Final = DocumentType(
    typ="monocoque-key-grant.v1+jws",
    algorithms=frozenset({"ES256"}),
    claims=frozenset({"iss", "aud", "iat", "jti", "cnf", "rights", "depth"}),
    lifetime_s_max=0,
    signed_by="maker root, or the holder of a grant",
    purpose="The holder of the key `cnf` may ask the car `aud` for what `rights` names. The "
    "maker's grant is the hand-over document: its `car` names the car's own keys, and it does not "
    "end; every other grant has an `exp`.",
)

COMMAND: Final = DocumentType(
    typ="monocoque-command.v1+jws",
    algorithms=frozenset({"ES256"}),
    claims=frozenset({"iss", "aud", "iat", "exp", "jti", "epoch", "counter", "scope", "sealed"}),
    lifetime_s_max=86_400,
    signed_by="phone",
    purpose="The car `aud` shall do one thing before `exp`: its kind `scope` in clear, its "
    "arguments `sealed` to the car.",
)

RECEIPT: Final = DocumentType(
    typ="monocoque-receipt.v1+jws",
    algorithms=frozenset({"ES256"}),
    claims=frozenset(
        {
            "iss",
            "sub",
            "iat",
            "key",
            "scope",
            "command_sha256",
            "outcome",
            "sequence",
            "previous_sha256",
        }
    ),
    lifetime_s_max=0,
    signed_by="car",
    purpose="What became of the command `sub`, and one line of the car's log: `sequence` counts "
    "without a gap and `previous_sha256` chains it to the line before.",
)

QUOTE: Final = DocumentType(
    typ="monocoque-quote.v1+jws",
    algorithms=frozenset({"EdDSA"}),
    claims=frozenset(
        {
            "iss",
            "iat",
            "exp",
            "jti",
            "catalogue",
            "market",
            "options",
            "currency",
            "lines",
            "total_minor",
            "week_begins_us",
        }
    ),
    lifetime_s_max=7 * 86_400,
    signed_by="shop",
    purpose="These options cost so much, line by line with its tax, and can be built in the week "
    "that begins at `week_begins_us`; anyone can recompute it from the catalogue of that version.",
)

AS_BUILT: Final = DocumentType(
    typ="monocoque-as-built.v1+jws",
    algorithms=frozenset({"ES256"}),
    claims=frozenset({"iss", "sub", "iat", "vin", "order", "bom"}),
    lifetime_s_max=0,
    signed_by="build",
    purpose="The car `sub` left the line as `bom` says, a CycloneDX 1.6 bill of materials: every "
    "control unit, its software and who made it.",
)

VEHICLE_MANIFEST: Final = DocumentType(
    typ="monocoque-vehicle-manifest.v1+jws",
    algorithms=frozenset({"ES256"}),
    claims=frozenset({"iss", "sub", "iat", "sequence", "directions_version", "ecus", "update"}),
    lifetime_s_max=0,
    signed_by="car",
    purpose="The car `sub` has this software in its control units `ecus`, has read the director up "
    "to `directions_version`, and is so far with its `update` (Uptane 2.1.0, 5.4.2.1). `sequence` "
    "only grows.",
)

APP_RELEASE: Final = DocumentType(
    typ="monocoque-app-release.v1+jws",
    algorithms=frozenset({"EdDSA"}),
    claims=frozenset({"iss", "sub", "iat", "version", "files"}),
    lifetime_s_max=0,
    signed_by="publisher of an app",
    purpose="The app `sub` of this `version` is these `files`, each with its SHA-256; the manifest "
    "is one of them (docs/protocol/apps.md).",
)

DOCUMENT_TYPES: Final = (
    CAR_BIRTH,
    CAR_ENROLMENT,
    PHONE_RELEASE,
    HAND_OVER,
    KEY_GRANT,
    COMMAND,
    RECEIPT,
    QUOTE,
    AS_BUILT,
    VEHICLE_MANIFEST,
    APP_RELEASE,
)
"""Every row."""
