"""The factory: says once, with its own key, which key was made in which car.

Rules: its key lies apart from the cell's (``factory/``); the cell knows the public half alone
(``trusted_factory_key`` among its secrets), and takes no birth document of any other.

Left out on purpose: a factory at another place. Its key will then live there, and the cell is
given the public half; nothing here changes.
"""

import json
from random import Random

from monocoque.contracts import identifiers
from monocoque.contracts.documents import CAR_BIRTH
from monocoque.contracts.errors import CredentialsRefused
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.keystore.rules import DAMAGED_HINT
from monocoque.roles.layout import Layout
from monocoque.trust.documents import sign
from monocoque.trust.keys import PrivateKey, load_key
from monocoque.trust.ports import KeyMaker, Signer

FACTORY_KEY = "factory-key"
TRUSTED_KEY = "trusted-factory-key"
ALGORITHM = "ES256"
SECOND_US = 1_000_000


def make_factory(layout: Layout, cell: KeyStore, key_maker: KeyMaker) -> None:
    """Make the factory's key when there is none, and give the cell its public half."""
    own = FileKeyStore(layout.factory)
    secret = own.read(FACTORY_KEY)
    if secret is None:
        secret = key_maker.make(ALGORITHM).export()
        own.write(FACTORY_KEY, secret)
    public = json.dumps(dict(_loaded(secret).public_jwk), sort_keys=True).encode()
    if cell.read(TRUSTED_KEY) != public:
        cell.write(TRUSTED_KEY, public)


def birth_document(
    layout: Layout, car_id: CarId, car_key: Signer, clock: Clock, random: Random
) -> bytes:
    """What the factory says of a car and its key; valid for an hour."""
    secret = FileKeyStore(layout.factory).read(FACTORY_KEY)
    if secret is None:
        raise CredentialsRefused(
            f"The factory has lost its key: {layout.factory} is empty.",
            hint="Put the folder back from a copy; without it no new car can be made here.",
        )
    now_s = clock.now_us() // SECOND_US
    claims = {
        "iss": "factory",
        "sub": car_id,
        "iat": now_s,
        "exp": now_s + CAR_BIRTH.lifetime_s_max,
        "jti": identifiers.make("message", random.getrandbits),
        "cnf": {"jwk": dict(car_key.public_jwk)},
    }
    return sign(CAR_BIRTH, claims, _loaded(secret))


def _loaded(secret: bytes) -> PrivateKey:
    try:
        return load_key(secret)
    except CredentialsRefused as error:
        raise CredentialsRefused(f"{FACTORY_KEY}: {error.what}", hint=DAMAGED_HINT) from error
