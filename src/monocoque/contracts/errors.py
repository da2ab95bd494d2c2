"""The one error tree.

Every failure that leaves a function of ours is one of these classes. Each class answers the four
questions that a caller, a page or a log line has:

* ``code``: the fixed word on the wire, never renamed, never reused;
* ``may_have_happened``: could the effect have taken place although this error came back?
* ``temporary``: may the very same call succeed later, unchanged?
* ``hint``: what a person can do now.

The answers are attributes of the base class, so a wrapped or re-raised error never loses them.
``http_status`` maps the tree to HTTP (RFC 9110 status codes, RFC 9457 problem bodies);
plumbing/bus/failures.py maps it to the bus, as a ``Failure`` message, and back.

The tree::

    MonocoqueError
    ├── InputError                 the caller sent something we cannot take
    │   ├── IdentifierMalformed
    │   ├── MoneyMismatch
    │   ├── RequestMalformed, RequestTooLarge
    │   ├── NotFound, MethodNotAllowed
    │   ├── MessageRefused         on the bus
    │   │   ├── MessageMalformed, MessageTooLarge, MessageVersionUnknown
    │   │   └── MessageFromTheFuture, MessageExpired
    │   ├── TopicUnknown
    │   └── DocumentRefused        a signed document
    │       ├── DocumentMalformed, DocumentTooLarge, DocumentTypeUnknown
    │       ├── AlgorithmRefused, SignatureInvalid, KeyUnknown, CriticalClaimUnknown
    │       └── DocumentExpired, DocumentNotYetValid, DocumentAudienceWrong, DecryptionFailed
    ├── RightsError                the caller may not do this
    │   ├── NotSignedIn, NotAllowed, SignInLinkSpent
    │   ├── CrossSiteRefused, SiteUnknown
    │   ├── TopicRefused
    │   └── CredentialsRefused
    ├── LimitError                 a named limit was reached
    │   ├── TooManyRequests
    │   └── QueueFull
    ├── ConflictError              the state forbids it
    │   ├── CarAlreadyEnrolled
    │   └── RecordsContended
    ├── UnavailableError           a part that we need does not answer
    │   ├── BusUnavailable, BusOutcomeUnknown
    │   ├── RecordsUnavailable, RecordsOutcomeUnknown
    │   ├── DeadlinePassed
    │   └── CellUnreachable
    ├── StorageError               the disk or the data on it
    │   ├── DiskFull, NotWritable
    │   ├── DatabaseCorrupted
    │   └── DataDirectoryNewer, DataDirectoryOlder, DataDirectoryInUse
    ├── SetupError                 the machine or its settings
    │   ├── PortInUse, SettingInvalid, RoleUnknown
    │   ├── ServerMissing, ServerFailed
    │   ├── ClockWentBack
    │   └── PagesMissing
    └── DefectError                a mistake of ours
        ├── Deadlock, Livelock, NotInVirtualTime, WorkNotSynchronous
        └── MachineFenced

Left out on purpose: translations. A page chooses its words by ``code``; ``hint`` is English, for
engineers and logs.
"""

from typing import ClassVar


class MonocoqueError(Exception):
    """The root. Raise a leaf, with one sentence that says what happened, without secrets."""

    code: ClassVar[str] = "monocoque_error"
    http_status: ClassVar[int] = 500
    may_have_happened: ClassVar[bool] = False
    temporary: ClassVar[bool] = False
    default_hint: ClassVar[str] = "Run `monocoque doctor` and read the log of the failing service."

    def __init__(self, what: str, *, hint: str | None = None) -> None:
        """Build the error.

        what: one sentence that says what happened, free of secrets, positions and VINs.
        hint: replaces the class's hint where a better one is known.
        """
        super().__init__(what)
        self.what = what
        self.hint = hint or self.default_hint


# --- the caller sent something we cannot take ------------------------------------------------


class InputError(MonocoqueError):
    """What was sent cannot be taken; nothing was changed."""

    code = "input_error"
    http_status = 400
    default_hint = "Correct what you sent; nothing was changed."


class IdentifierMalformed(InputError):
    """An identifier has not the form prefix, underscore, 26 lowercase Crockford characters."""

    code = "identifier_malformed"
    default_hint = "Copy the identifier whole, such as car_ followed by 26 characters."


class MoneyMismatch(InputError):
    """Two amounts of different currencies were combined."""

    code = "money_mismatch"
    default_hint = "Convert to one currency first, with a rate that is on record."


class RequestMalformed(InputError):
    """An HTTP request has not the shape that the OpenAPI document gives."""

    code = "request_malformed"
    http_status = 422
    default_hint = "Compare the request with the OpenAPI document at /api/openapi.json."


class RequestTooLarge(InputError):
    """An HTTP request is larger than its route allows."""

    code = "request_too_large"
    http_status = 413
    default_hint = "Send less at once."


class NotFound(InputError):
    """There is no such thing, or you may not know of it."""

    code = "not_found"
    http_status = 404
    default_hint = "Check the address or the identifier."


class MethodNotAllowed(InputError):
    """The address is right and the method is not one that it takes."""

    code = "method_not_allowed"
    http_status = 405
    default_hint = "The Allow header says which methods the address takes."


class MessageRefused(InputError):
    """A message on the bus cannot be taken."""

    code = "message_refused"


class MessageMalformed(MessageRefused):
    """The bytes are not the protobuf message that the topic carries, or its header is missing."""

    code = "message_malformed"
    default_hint = "Publish the message type that docs/protocol/topics.md names for this topic."


class MessageTooLarge(MessageRefused):
    """The message is larger than its topic allows."""

    code = "message_too_large"
    http_status = 413
    default_hint = "Split the message; docs/protocol/topics.md gives each topic's limit in bytes."


class MessageVersionUnknown(MessageRefused):
    """The message's header names a version that this side does not know."""

    code = "message_version_unknown"
    default_hint = "Update the side that reads, or publish an older version."


class MessageFromTheFuture(MessageRefused):
    """The message says it was made later than the clocks of a fleet can disagree."""

    code = "message_from_the_future"
    default_hint = "Set the sender's clock by a time source."


class MessageExpired(MessageRefused):
    """The message's time to act has passed."""

    code = "message_expired"
    default_hint = "Send it again with a new deadline if it is still wanted."


class TopicUnknown(InputError):
    """No row of contracts/topics.py has this topic."""

    code = "topic_unknown"
    http_status = 404
    default_hint = "Use a topic of docs/protocol/topics.md, or add a row to contracts/topics.py."


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


# --- the caller may not do this --------------------------------------------------------------


class RightsError(MonocoqueError):
    """The caller may not do this; nothing was changed."""

    code = "rights_error"
    http_status = 403
    default_hint = "Ask somebody who has the right, or sign in as somebody who has."


class NotSignedIn(RightsError):
    """The request carries no session that is alive."""

    code = "not_signed_in"
    http_status = 401
    default_hint = "Sign in; `monocoque sign-in SITE` prints a new link."


class NotAllowed(RightsError):
    """The session's roles do not have the right that the route names."""

    code = "not_allowed"


class SignInLinkSpent(RightsError):
    """The one-time link was used, is too old, or never existed."""

    code = "sign_in_link_spent"
    http_status = 401
    default_hint = "Run `monocoque sign-in SITE` for a new link."


class CrossSiteRefused(RightsError):
    """A request that changes something came from another origin or without its token."""

    code = "cross_site_refused"
    default_hint = "Reload the page and do it again there."


class SiteUnknown(RightsError):
    """The Host header names none of our sites, or a route of another site."""

    code = "site_unknown"
    http_status = 421
    default_hint = "Open http://localhost with the port, and choose a door there."


class TopicRefused(RightsError):
    """This identity may not publish or read this topic."""

    code = "topic_refused"
    default_hint = "docs/protocol/topics.md says who publishes and who reads each topic."


class CredentialsRefused(RightsError):
    """The credentials are damaged, foreign or revoked."""

    code = "credentials_refused"
    http_status = 401
    default_hint = "Enrol again; credentials of another installation do not work here."


# --- a named limit was reached ---------------------------------------------------------------


class LimitError(MonocoqueError):
    """A named limit was reached; nothing was changed."""

    code = "limit_error"
    http_status = 429
    temporary = True
    default_hint = "Wait, then try again more slowly."


class TooManyRequests(LimitError):
    """One caller asked more often than the rate limit allows."""

    code = "too_many_requests"


class QueueFull(LimitError):
    """A bounded queue is full."""

    code = "queue_full"
    http_status = 503


# --- the state forbids it --------------------------------------------------------------------


class ConflictError(MonocoqueError):
    """The state of things forbids it; nothing was changed."""

    code = "conflict"
    http_status = 409
    default_hint = "Read the present state and decide again."


class CarAlreadyEnrolled(ConflictError):
    """The car is enrolled with another key."""

    code = "car_already_enrolled"
    default_hint = "A car keeps the key it was enrolled with; look for a copied data directory."


class RecordsContended(ConflictError):
    """Too many writers wanted the same rows at once; the transaction was given up."""

    code = "records_contended"
    http_status = 503
    temporary = True
    default_hint = "Try again."


# --- a part that we need does not answer -----------------------------------------------------


class UnavailableError(MonocoqueError):
    """A part that we need does not answer."""

    code = "unavailable"
    http_status = 503
    temporary = True
    default_hint = "Try again in a moment; `monocoque doctor` says which part is down."


class BusUnavailable(UnavailableError):
    """The bus cannot be reached; the message was not sent."""

    code = "bus_unavailable"


class BusOutcomeUnknown(UnavailableError):
    """The message was sent and its acknowledgement never came."""

    code = "bus_outcome_unknown"
    may_have_happened = True
    default_hint = "Publish it again with the same message id; repetition is harmless."


class RecordsUnavailable(UnavailableError):
    """The database does not answer; nothing was written."""

    code = "records_unavailable"


class RecordsOutcomeUnknown(UnavailableError):
    """The connection was lost while the transaction was being committed."""

    code = "records_outcome_unknown"
    may_have_happened = True
    default_hint = "Read the present state before you do it again."


class DeadlinePassed(UnavailableError):
    """The answer did not come in time."""

    code = "deadline_passed"
    http_status = 504
    may_have_happened = True
    default_hint = "Read the present state before you do it again."


class CellUnreachable(UnavailableError):
    """The cell's HTTP door does not answer."""

    code = "cell_unreachable"
    default_hint = "Start it with `monocoque up` on the same data directory."


# --- the disk or the data on it --------------------------------------------------------------


class StorageError(MonocoqueError):
    """The disk, or the data on it, is at fault."""

    code = "storage_error"


class DiskFull(StorageError):
    """There is no room to write; nothing was acknowledged."""

    code = "disk_full"
    http_status = 507
    temporary = True
    default_hint = "Free space on the disk that holds the data directory."


class NotWritable(StorageError):
    """The data directory, or a file in it, cannot be written."""

    code = "not_writable"
    default_hint = "Give this user the right to write there, or choose another --data."


class DatabaseCorrupted(StorageError):
    """The database file is damaged; it is left as it is."""

    code = "database_corrupted"
    default_hint = "Put back the newest snapshot from the data directory's snapshots folder."


class DataDirectoryNewer(StorageError):
    """The data directory was written by a newer version."""

    code = "data_directory_newer"
    default_hint = "Install that version, or choose another --data; nothing was changed."


class DataDirectoryOlder(StorageError):
    """The data directory is too old to be carried forward by this version."""

    code = "data_directory_older"
    default_hint = "Start it once with a version between, then with this one."


class DataDirectoryInUse(StorageError):
    """Another process works on this data directory."""

    code = "data_directory_in_use"
    default_hint = "Stop the other process, or choose another --data."


# --- the machine or its settings -------------------------------------------------------------


class SetupError(MonocoqueError):
    """The machine, or a setting, is not as it must be."""

    code = "setup_error"


class PortInUse(SetupError):
    """Another program listens on the port."""

    code = "port_in_use"
    default_hint = "Stop the other program, or choose another --port."


class SettingInvalid(SetupError):
    """A setting has a value that it cannot have, or a name that does not exist."""

    code = "setting_invalid"
    default_hint = "`monocoque doctor` shows every setting, its value and where it came from."


class RoleUnknown(SetupError):
    """No row of roles/table.py has this role."""

    code = "role_unknown"
    default_hint = "`monocoque run --help` lists the roles."


class ServerMissing(SetupError):
    """A server program that comes with the installation is not there."""

    code = "server_missing"
    default_hint = "Run `make setup`, or install the package again."


class ServerFailed(SetupError):
    """A server that we supervise does not start."""

    code = "server_failed"
    default_hint = "Read its log in the data directory's run folder."


class ClockWentBack(SetupError):
    """The wall clock is earlier than times that are already on record."""

    code = "clock_went_back"
    temporary = True
    default_hint = "Set the clock by a time source; times on record are not changed."


class PagesMissing(SetupError):
    """The web pages were not built into this installation."""

    code = "pages_missing"
    default_hint = "Run `make web`, which builds them."


# --- a mistake of ours -----------------------------------------------------------------------


class DefectError(MonocoqueError):
    """A mistake of ours; please report it with the trace id."""

    code = "defect"
    may_have_happened = True
    default_hint = "Report it with the trace id; read the present state before you do it again."


class Deadlock(DefectError):
    """Virtual time cannot go on: everybody waits and nothing is scheduled."""

    code = "deadlock"
    default_hint = "Read the list of waiting tasks; one waits for an event that never comes."


class Livelock(DefectError):
    """Virtual time cannot go on: tasks wake each other without end at one moment."""

    code = "livelock"
    default_hint = "Read the list of tasks; two of them answer each other without a pause."


class NotInVirtualTime(DefectError):
    """Code in a world reached for a thread, a socket, a process or a signal."""

    code = "not_in_virtual_time"
    may_have_happened = False
    default_hint = "Only worlds raise this: use the port beneath; real sockets have own tests."


class WorkNotSynchronous(DefectError):
    """A work for the records awaits, or returned something to be awaited; it was rolled back."""

    code = "work_not_synchronous"
    may_have_happened = False
    default_hint = "Hand `transact` a plain function that does SQL and nothing else."


class MachineFenced(DefectError):
    """A machine that lost its power tried to act."""

    code = "machine_fenced"
    may_have_happened = False
    default_hint = "Only worlds raise this: the code acted after its machine was cut off."


def all_errors() -> tuple[type[MonocoqueError], ...]:
    """Every class of the tree, parents first, each exactly once."""
    found: list[type[MonocoqueError]] = []
    open_classes: list[type[MonocoqueError]] = [MonocoqueError]
    while open_classes:
        current = open_classes.pop(0)
        found.append(current)
        open_classes.extend(current.__subclasses__())
    return tuple(found)
