"""The state of things forbids it; nothing was changed.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: input that no state could take, which is an error of input.
"""

from monocoque.contracts.errors.tree import MonocoqueError


class ConflictError(MonocoqueError):
    """The state of things forbids it; nothing was changed."""

    code = "conflict"
    http_status = 409
    default_hint = "Read the present state and decide again."


class BuildBegun(ConflictError):
    """The car is in production or further, so the order cannot be called off any more."""

    code = "build_begun"
    default_hint = "Take the car over, or ask the shop for what may be done after delivery."


class CarAlreadyEnrolled(ConflictError):
    """The car is enrolled with another key."""

    code = "car_already_enrolled"
    default_hint = "A car keeps the key it was enrolled with; look for a copied data directory."


class CarAlreadyHandedOver(ConflictError):
    """The car has its first key, and it is another one."""

    code = "car_already_handed_over"
    default_hint = "Ask the owner of the car for a key; the maker gives the first one only once."


class CarAlreadyTied(ConflictError):
    """The car belongs to another home; nothing was changed."""

    code = "car_already_tied"
    default_hint = "Untie the car from its other home first."


class HomeAlreadyTaken(ConflictError):
    """The home belongs to somebody; nothing was changed."""

    code = "home_already_taken"
    default_hint = "Its owner gives it up on the phone site first."


class IdentifierUsed(ConflictError):
    """Something else has this identifier already."""

    code = "identifier_used"
    default_hint = "Make it anew, with an identifier of its own."


class RecordsContended(ConflictError):
    """Too many writers wanted the same rows at once; the transaction was given up."""

    code = "records_contended"
    http_status = 503
    temporary = True
    default_hint = "Try again."


class OrderConflict(ConflictError):
    """The order is not in a state that allows this, or another one has its key."""

    code = "order_conflict"
    default_hint = "Read the order; what is paid, built or called off cannot be undone by asking."


class QuoteOutdated(ConflictError):
    """The quote is over, or its catalogue is; nothing was ordered."""

    code = "quote_outdated"
    default_hint = "Ask for a new quote of the same options, and compare the two."


class QuoteUsed(ConflictError):
    """Somebody else ordered by this quote; nothing was ordered."""

    code = "quote_used"
    default_hint = "Ask for a quote of your own; one quote is good for one order."


class PaymentDeclined(ConflictError):
    """The payment provider declined; nothing was charged."""

    code = "payment_declined"
    http_status = 402
    default_hint = "Pay with something else; the order keeps its week until it expires."


class PaymentOpen(ConflictError):
    """Another payment for this order is not decided yet; nothing more was charged."""

    code = "payment_open"
    temporary = True
    default_hint = "Wait until the first payment is decided; the order says so."
