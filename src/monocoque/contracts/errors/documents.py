"""A signed or sealed document that cannot be taken.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: what the document says; the feature that reads it refuses that.
"""

from monocoque.contracts.errors.inputs import InputError


class DocumentRefused(InputError):
    """A signed document cannot be taken."""

    code = "document_refused"


class DocumentMalformed(DocumentRefused):
    """The document is not a compact JWS with the claims that its type needs."""

    code = "document_malformed"
    default_hint = "Compare the document with docs/protocol/documents.md."


class DocumentTooLarge(DocumentRefused):
    """The document is larger than any document may be."""

    code = "document_too_large"
    http_status = 413
    default_hint = "docs/protocol/documents.md gives the limit in bytes."


class DocumentTypeUnknown(DocumentRefused):
    """The ``typ`` of the document is not the one that is wanted here."""

    code = "document_type_unknown"
    default_hint = "Send the document type that this place takes, in a version that it knows."


class AlgorithmRefused(DocumentRefused):
    """The document names an algorithm that this document type does not allow."""

    code = "algorithm_refused"
    default_hint = "Sign with the algorithm that docs/protocol/documents.md gives for the type."


class SignatureInvalid(DocumentRefused):
    """The signature does not fit the bytes and the key."""

    code = "signature_invalid"
    default_hint = "Send the very bytes that were signed, by the key that was named."


class KeyUnknown(DocumentRefused):
    """The document names a key that is not trusted here."""

    code = "key_unknown"
    default_hint = "Enrol the key first, or sign with one that is enrolled."


class CriticalClaimUnknown(DocumentRefused):
    """The document says that a header must be understood, and it is not."""

    code = "critical_claim_unknown"
    default_hint = "Update the side that reads."


class DocumentExpired(DocumentRefused):
    """The document's time is over."""

    code = "document_expired"
    default_hint = "Ask for a new document."


class DocumentNotYetValid(DocumentRefused):
    """The document's time has not begun."""

    code = "document_not_yet_valid"
    default_hint = "Wait, or compare the clocks of both sides."


class DocumentAudienceWrong(DocumentRefused):
    """The document is meant for somebody else."""

    code = "document_audience_wrong"
    default_hint = "Send the document to the one that its audience names."


class DecryptionFailed(DocumentRefused):
    """The sealed bytes were not meant for this key, or were altered."""

    code = "decryption_failed"
    default_hint = "Seal to the public key of the one who is to read."


class GrantRefused(DocumentRefused):
    """The grants do not lead from the maker's root to the key, or one gives more than it has."""

    code = "grant_refused"
    default_hint = "docs/protocol/commands.md says how grants follow on one another."


class HandOverProofWrong(DocumentRefused):
    """The proof in a hand-over was not made with the hand-over code of this car."""

    code = "hand_over_proof_wrong"
    http_status = 403
    default_hint = "Open the hand-over link that came with this very car."


class ScopeUnknown(DocumentRefused):
    """A command names something that no car of this version can be asked for."""

    code = "scope_unknown"
    default_hint = "docs/protocol/commands.md has the table of scopes."


class ArgumentsWrong(DocumentRefused):
    """The arguments of a command are not those of its scope."""

    code = "arguments_wrong"
    default_hint = "docs/protocol/commands.md gives each scope's arguments with their limits."


class LogBroken(DocumentRefused):
    """Receipts do not follow on one another: a line is missing, is there twice, or was swapped."""

    code = "log_broken"
    default_hint = "Ask for the log again from the car; keep both copies if it stays so."
