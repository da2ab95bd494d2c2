"""A message on the bus that cannot be taken, and a topic that is none.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: a message that may not be sent, which is an error of rights.
"""

from monocoque.contracts.errors.inputs import InputError


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


class SceneRequestRefused(MessageRefused):
    """A car asks of a home what it cannot: under another's name, misshapen, or beside the time."""

    code = "scene_request_refused"
    default_hint = "docs/protocol/homes.md says what a request must say; look at what sent it."


class HomeWordRefused(MessageRefused):
    """A home says what it cannot know: of another's request, or of a time that cannot be."""

    code = "home_word_refused"
    default_hint = "docs/protocol/homes.md says what a home may say; set its clock, or revoke it."


class TopicUnknown(InputError):
    """No row of contracts/topics has this topic."""

    code = "topic_unknown"
    http_status = 404
    default_hint = "Use a topic of docs/protocol/topics.md, or add a row to contracts/topics."
