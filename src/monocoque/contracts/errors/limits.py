"""A named limit was reached; nothing was changed.

Rules: raise a leaf where there is one; the package says what every error answers.

Left out on purpose: the limits themselves, which stand beside what they bound.
"""

from monocoque.contracts.errors.tree import MonocoqueError


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


class MailboxFull(LimitError):
    """As many commands wait for this car as may wait."""

    code = "mailbox_full"
    default_hint = "Wait until the car has answered, or take commands back."


class HandOverTriesSpent(LimitError):
    """The hand-over of this car was tried too often with a wrong code of late."""

    code = "hand_over_tries_spent"
    default_hint = "Wait an hour, then ask again with the code that came with the car."


class HomeCodeTriesSpent(LimitError):
    """This person gave too many wrong codes of homes of late."""

    code = "home_code_tries_spent"
    default_hint = "Wait a day, then give the code as it is printed."


class HomesFull(LimitError):
    """As many homes belong to this person, or as many cars to this home, as may."""

    code = "homes_full"
    temporary = False
    default_hint = "Give one up first."


class VinSerialsSpent(LimitError):
    """Every serial number of this model year and plant is given to a car."""

    code = "vin_serials_spent"
    http_status = 503
    temporary = False
    default_hint = "Promise a week of the next model year, or open another plant for this one."


class NoWeekFree(LimitError):
    """Every production week that is planned is sold; nothing was promised."""

    code = "no_week_free"
    http_status = 503
    default_hint = "Ask again later: a week becomes free when an order is called off or expires."
