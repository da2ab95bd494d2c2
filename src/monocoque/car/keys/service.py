"""The car's keys, and its memory of the keys of others.

Rules:

* two keys are made in the car and stay there: the identity key (ES256) signs receipts, the seal
  key (P-256) opens what is meant for the car alone;
* the epoch is born with the records: a car that lost them has another one, and every command that
  was made before is stale;
* a counter of a key is taken once. A key is forgotten only when none of its old commands can be
  alive any more;
* the first maker's grant that was used is the owner's, and stays so;
* time never goes back: the latest that was seen is kept, so that a clock that is set back brings
  no command to life again;
* statements take the caller's connection, since what they change stands or falls with the rest of
  the caller's transaction.

Left out on purpose: a task of its own; making a car forget its owner, which makes a new epoch;
revocation.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from sqlalchemy import Connection

from monocoque.car.keys import records
from monocoque.contracts.documents import CLOCK_DIFFERENCE_S_MAX, COMMAND
from monocoque.contracts.errors import CredentialsRefused, DocumentMalformed
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.trust import base64url
from monocoque.trust.grants import CarKeys
from monocoque.trust.keys import PrivateKey, load_key, public_members
from monocoque.trust.ports import KeyMaker
from monocoque.trust.windows import CounterWindow

IDENTITY_KEY: Final = "identity-key"
SEAL_KEY: Final = "seal-key"
MAKER_ROOT: Final = "maker-root"
"""The keystore's entry with the maker's public key, a JWK; put there at the end of the line."""
EPOCH_BYTES: Final = 16
SECOND_US: Final = 1_000_000
ALIVE_S_MAX: Final = COMMAND.lifetime_s_max + 2 * CLOCK_DIFFERENCE_S_MAX
"""A command that was taken so long ago is over, whatever its deadline was."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the car remembers at one moment."""

    epoch: str
    owner: tuple[str, str] | None
    """Grant id and key id of the maker's grant that was used first."""
    latest_us: int
    """The latest time that was seen; nothing happens before it."""


def identity_of(keystore: KeyStore, key_maker: KeyMaker) -> PrivateKey:
    """The car's identity key, made at its first use; raises what the keystore raises."""
    return _key_of(keystore, IDENTITY_KEY, key_maker)


def seal_key_of(keystore: KeyStore, key_maker: KeyMaker) -> PrivateKey:
    """The car's seal key, made at its first use; raises what the keystore raises."""
    return _key_of(keystore, SEAL_KEY, key_maker)


def public_keys(keystore: KeyStore, key_maker: KeyMaker) -> CarKeys:
    """The public halves of both, for the factory's records; makes what is missing."""
    return CarKeys(
        sign=identity_of(keystore, key_maker).public_jwk,
        seal=seal_key_of(keystore, key_maker).public_jwk,
    )


def maker_root(keystore: KeyStore) -> Mapping[str, str] | None:
    """The maker's public key, or None in a car that never left the line.

    Raises CredentialsRefused when what is kept is no key.
    """
    kept = keystore.read(MAKER_ROOT)
    if kept is None:
        return None
    try:
        return public_members(json.loads(kept))
    except (ValueError, RecursionError, DocumentMalformed):
        raise CredentialsRefused("The maker's root in this car is damaged.") from None


def make_epoch(random: Random) -> str:
    """128 random bits, as base64url."""
    return base64url.encode(random.randbytes(EPOCH_BYTES))


def begin(connection: Connection, car_id: str, new_epoch: str) -> Memory:
    """What is remembered; the memory begins here, with the new epoch, when there is none."""
    memory = recall(connection, car_id)
    if memory is not None:
        return memory
    records.begin_memory(connection, car_id, new_epoch)
    return Memory(epoch=new_epoch, owner=None, latest_us=0)


def recall(connection: Connection, car_id: str) -> Memory | None:
    """What is remembered, or None before the memory began."""
    row = records.read_memory(connection, car_id)
    if row is None:
        return None
    owner = None if row.owner_grant_id is None else (row.owner_grant_id, row.owner_key_id)
    return Memory(epoch=row.epoch, owner=owner, latest_us=row.latest_us)


def see_time(connection: Connection, car_id: str, now_us: int) -> None:
    """It is so late; nothing earlier is believed from now on."""
    records.set_latest(connection, car_id, now_us)


def pin_owner(connection: Connection, car_id: str, grant_id: str, key_id: str) -> None:
    """This maker's grant was used first."""
    records.set_owner(connection, car_id, grant_id, key_id)


def window_of(connection: Connection, key_id: str) -> CounterWindow:
    """Which counters of this key were seen."""
    row = records.read_window(connection, key_id)
    return CounterWindow() if row is None else CounterWindow(highest=row[0], bits=row[1])


def has_room_for(connection: Connection, key_id: str, now_us: int, keys_max: int) -> bool:
    """Whether the counters of this key can be kept; forgets keys whose commands are all over."""
    if records.read_window(connection, key_id) is not None:
        return True
    records.forget_windows(connection, now_us - ALIVE_S_MAX * SECOND_US)
    return records.count_windows(connection) < keys_max


def keep_window(connection: Connection, key_id: str, window: CounterWindow, now_us: int) -> None:
    """These counters of this key were seen."""
    records.set_window(connection, key_id, window.highest, window.bits, now_us)


def _key_of(keystore: KeyStore, name: str, key_maker: KeyMaker) -> PrivateKey:
    secret = keystore.read(name)
    if secret is None:
        secret = key_maker.make("ES256").export()
        keystore.write(name, secret)
    return load_key(secret)
