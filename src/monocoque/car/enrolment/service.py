"""Enrolment: the car shows whose it is, and gets its place on the bus.

Rules:

* the identity key (car/keys) signs the request; the bus key (Ed25519), which proves the car to the
  bus, is made here and stays in the car too; the cell sees their public halves;
* the request carries the factory's birth document and is signed by the key in it;
* everything is kept as soon as it exists, so a car that loses power goes on where it was, and
  enrolling twice gives the same place.

Left out on purpose: the way to the cell. The caller brings it: HTTP in production.
"""

from collections.abc import Awaitable, Callable
from random import Random

from monocoque.contracts import identifiers
from monocoque.contracts.documents import CAR_ENROLMENT
from monocoque.plumbing.bus.nats_credentials import NatsCredentials, make_bus_key, public_key
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.trust.documents import sign
from monocoque.trust.ports import Signer

BUS_KEY = "bus-key"
BUS_PLACE = "bus-place"
AUDIENCE = "cell"
SECOND_US = 1_000_000

Post = Callable[[bytes], Awaitable[str]]
"""Brings the request to the cell and returns the place on the bus that it gives, a JWT."""


def known_place(keystore: KeyStore) -> NatsCredentials | None:
    """The place that the car has, or None when it must enrol."""
    seed, place = keystore.read(BUS_KEY), keystore.read(BUS_PLACE)
    if seed is None or place is None:
        return None
    return NatsCredentials(place.decode(), seed)


async def enrol(
    keystore: KeyStore, identity: Signer, birth: bytes, clock: Clock, random: Random, post: Post
) -> NatsCredentials:
    """Ask the cell for a place, keep it, and return it.

    Raises what the cell answers: DocumentRefused, CarAlreadyEnrolled, CellUnreachable.
    """
    seed = keystore.read(BUS_KEY)
    if seed is None:
        seed = make_bus_key(random.randbytes)
        keystore.write(BUS_KEY, seed)
    now_s = clock.now_us() // SECOND_US
    claims = {
        "iss": identity.key_id,
        "aud": AUDIENCE,
        "iat": now_s,
        "exp": now_s + CAR_ENROLMENT.lifetime_s_max,
        "jti": identifiers.make("message", random.getrandbits),
        "birth": birth.decode(),
        "bus_key": public_key(seed),
    }
    place = await post(sign(CAR_ENROLMENT, claims, identity))
    keystore.write(BUS_PLACE, place.encode())
    return NatsCredentials(place, seed)
