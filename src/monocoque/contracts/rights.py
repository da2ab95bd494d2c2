"""The one table of who may do what at the edge.

Rules:

* everything is forbidden that no row allows; a route without a right does not start;
* a right is held by roles, on named sites; a person has roles, and never a right directly;
* ``ANYONE`` rows are what may be seen without signing in; they are few and say why.

Left out on purpose: rights on the bus (contracts/topics says who publishes and who reads) and
rights in a car (the owner's signed grants).
"""

import enum
from dataclasses import dataclass
from typing import Final


class Site(enum.Enum):
    """A web site of its own origin, session and passkey; the value is its host's first label."""

    DOORS = "doors"
    """The page with three doors, on the bare host."""
    SHOP = "shop"
    PHONE = "phone"
    CONSOLE = "console"


class PersonRole(enum.Enum):
    """What a person may be, at the edge."""

    BUYER = "buyer"
    OWNER = "owner"
    DRIVER = "driver"
    RELEASE = "release"
    FLEET = "fleet"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class Right:
    """One row: what it is called, who holds it, and where."""

    name: str
    roles: frozenset[PersonRole]
    """Empty means anyone, signed in or not."""
    sites: frozenset[Site]
    purpose: str

    @property
    def is_for_anyone(self) -> bool:
        """Whether it needs no session."""
        return not self.roles


_EVERY_SITE = frozenset(Site)
_SIGNED_IN_SITES = frozenset({Site.SHOP, Site.PHONE, Site.CONSOLE})
_EVERY_ROLE = frozenset(PersonRole)
_FLEET_ROLES = frozenset({PersonRole.FLEET, PersonRole.RELEASE, PersonRole.SUPPORT})

READ_HEALTH: Final = Right(
    "health.read", frozenset(), _EVERY_SITE, "Whether the cell is well; counts only, no names."
)
READ_PAGES: Final = Right(
    "pages.read", frozenset(), _EVERY_SITE, "The pages themselves and the OpenAPI document."
)
SIGN_IN: Final = Right(
    "session.open", frozenset(), _SIGNED_IN_SITES, "Exchange a one-time link for a session."
)
ENROL_CAR: Final = Right(
    "car.enrol",
    frozenset(),
    frozenset({Site.DOORS}),
    "A car with a birth document signed by the factory asks for its place on the bus; the "
    "document, not a session, is the proof.",
)
READ_SELF: Final = Right(
    "self.read", _EVERY_ROLE, _SIGNED_IN_SITES, "Read one's own name, roles and settings."
)
CHANGE_SELF: Final = Right(
    "self.change", _EVERY_ROLE, _SIGNED_IN_SITES, "Change one's own settings and sign out."
)
READ_FLEET: Final = Right(
    "fleet.read",
    _FLEET_ROLES,
    frozenset({Site.CONSOLE}),
    "See which cars exist, whether they are there, and their state.",
)
TAKE_OVER_CAR: Final = Right(
    "car.take_over",
    frozenset({PersonRole.OWNER}),
    frozenset({Site.PHONE}),
    "Bring a hand-over request, signed in the browser, to the factory.",
)
READ_OWN_CARS: Final = Right(
    "own_cars.read",
    frozenset({PersonRole.OWNER}),
    frozenset({Site.PHONE}),
    "See one's own cars: how they are, their keys, and the log of who did what.",
)
COMMAND_CAR: Final = Right(
    "car.command",
    frozenset({PersonRole.OWNER}),
    frozenset({Site.PHONE}),
    "Put a command into the mailbox of one's own car, or take it back; the car itself judges it "
    "by its signature.",
)
READ_OWN_HOMES: Final = Right(
    "own_homes.read",
    frozenset({PersonRole.OWNER}),
    frozenset({Site.PHONE}),
    "See one's own homes and their devices, and the scenes of one's own cars: what they asked of "
    "the home, what became of it, and why.",
)
CHANGE_OWN_HOMES: Final = Right(
    "own_homes.change",
    frozenset({PersonRole.OWNER}),
    frozenset({Site.PHONE}),
    "Take a home by its code, give it up, and say which of one's own cars belong to it.",
)
CONFIGURE_CAR: Final = Right(
    "shop.configure",
    frozenset(),
    frozenset({Site.SHOP}),
    "See the catalogue, choose in it, and get a signed price; nobody is asked who they are.",
)
ORDER_CAR: Final = Right(
    "order.place",
    frozenset({PersonRole.BUYER}),
    frozenset({Site.SHOP}),
    "Order what a quote names, pay for it, and call it off.",
)
READ_OWN_ORDERS: Final = Right(
    "own_orders.read",
    frozenset({PersonRole.BUYER}),
    frozenset({Site.SHOP}),
    "See one's own orders, and what changed in each.",
)
TELL_PAYMENT: Final = Right(
    "payment.tell",
    frozenset(),
    frozenset({Site.DOORS}),
    "The payment provider says what became of a payment; its signature, not a session, is the "
    "proof.",
)
READ_ORDERS: Final = Right(
    "orders.read",
    _FLEET_ROLES,
    frozenset({Site.CONSOLE}),
    "See the orders by state and production week; no names.",
)
READ_METRICS: Final = Right(
    "metrics.read", _FLEET_ROLES, frozenset({Site.CONSOLE}), "Read counters and timings."
)

RIGHTS: Final = (
    READ_HEALTH,
    READ_PAGES,
    SIGN_IN,
    ENROL_CAR,
    READ_SELF,
    CHANGE_SELF,
    READ_FLEET,
    TAKE_OVER_CAR,
    READ_OWN_CARS,
    COMMAND_CAR,
    READ_OWN_HOMES,
    CHANGE_OWN_HOMES,
    CONFIGURE_CAR,
    ORDER_CAR,
    READ_OWN_ORDERS,
    TELL_PAYMENT,
    READ_ORDERS,
    READ_METRICS,
)
"""Every row."""


def allows(right: Right, roles: frozenset[PersonRole], site: Site) -> bool:
    """Whether somebody with these roles has the right on this site."""
    if site not in right.sites:
        return False
    return right.is_for_anyone or bool(right.roles & roles)
