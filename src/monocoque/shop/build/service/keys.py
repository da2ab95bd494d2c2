"""The factory's keys, and what it says of a car by them.

Rules: the private halves stay in the factory's keystore; the cell and the cars have the public
ones alone.

Left out on purpose: changing a key. Every car keeps the root that it left the line with.
"""

import json
from collections.abc import Mapping
from random import Random

from monocoque.contracts import identifiers
from monocoque.contracts.documents import CAR_BIRTH
from monocoque.contracts.errors import CredentialsRefused
from monocoque.contracts.identifiers import CarId
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.keystore.rules import DAMAGED_HINT
from monocoque.trust.documents import sign
from monocoque.trust.keys import PrivateKey, load_key
from monocoque.trust.ports import KeyMaker

FACTORY_KEY = "factory-key"
MAKER_ROOT = "maker-root"
"""The factory's secret; a car has the public half under the same name."""
TRUSTED_FACTORY_KEY = "trusted-factory-key"
TRUSTED_MAKER_ROOT = "trusted-maker-root"
"""The names of the public halves among the cell's secrets."""
ALGORITHM = "ES256"
SECOND_US = 1_000_000


def make_keys(own: KeyStore, cell: KeyStore, key_maker: KeyMaker) -> None:
    """Make the factory's keys where there are none, and give the cell their public halves."""
    for name, trusted in ((FACTORY_KEY, TRUSTED_FACTORY_KEY), (MAKER_ROOT, TRUSTED_MAKER_ROOT)):
        secret = own.read(name)
        if secret is None:
            secret = key_maker.make(ALGORITHM).export()
            own.write(name, secret)
        public = public_text(_loaded(name, secret).public_jwk).encode()
        if cell.read(trusted) != public:
            cell.write(trusted, public)


def public_text(jwk: Mapping[str, str]) -> str:
    """A public key as it is kept: JSON, members sorted."""
    return json.dumps(dict(jwk), sort_keys=True)


def maker_root(own: KeyStore) -> Mapping[str, str]:
    """The public half of the maker root, for a car; raises CredentialsRefused."""
    return secret_key(own, MAKER_ROOT).public_jwk


def birth_document(
    own: KeyStore, car_id: CarId, sign_jwk: Mapping[str, str], clock: Clock, random: Random
) -> bytes:
    """What the factory says of a car and its key; valid for an hour."""
    now_s = clock.now_us() // SECOND_US
    claims = {
        "iss": "factory",
        "sub": car_id,
        "iat": now_s,
        "exp": now_s + CAR_BIRTH.lifetime_s_max,
        "jti": identifiers.make("message", random.getrandbits),
        "cnf": {"jwk": dict(sign_jwk)},
    }
    return sign(CAR_BIRTH, claims, secret_key(own, FACTORY_KEY))


def secret_key(own: KeyStore, name: str) -> PrivateKey:
    """A private key of the factory; raises CredentialsRefused when it is lost or damaged."""
    secret = own.read(name)
    if secret is None:
        raise CredentialsRefused(
            f"The factory has lost its key {name}.",
            hint="Put its folder back from a copy; without the key no car can be made or given.",
        )
    return _loaded(name, secret)


def _loaded(name: str, secret: bytes) -> PrivateKey:
    try:
        return load_key(secret)
    except CredentialsRefused as error:
        raise CredentialsRefused(f"{name}: {error.what}", hint=DAMAGED_HINT) from error
