"""Says to one car what it is to install: signs it, and puts it on record to be sent.

Rules:

* each function takes the caller's connection: directions, and the reason for them, are on record
  together, and before anything is said;
* versions only grow, also beyond what a car says that it has read: records that were put back from
  a copy would else be refused by the cars;
* the version of a timestamp is at least the time in seconds, for the same reason.

Left out on purpose: who is to install what.
"""

from typing import Any, Final

from sqlalchemy import Connection, Row

from monocoque.cloud.campaigns import records as rows
from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.contracts.errors import CredentialsRefused
from monocoque.contracts.updates import (
    DIRECTOR_SNAPSHOT_KEY,
    DIRECTOR_TARGETS_KEY,
    DIRECTOR_TIMESTAMP_KEY,
)
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.trust.keys import load_key
from monocoque.trust.ports import Signer
from monocoque.trust.updates.director import (
    Assignment,
    Directions,
    Lifetimes,
    Signers,
    direct,
    renew,
    sign_timestamp,
)

SECOND_US: Final = 1_000_000
HOUR_S: Final = 3_600
DAY_S: Final = 24 * HOUR_S


def read_director_keys(keystore: KeyStore) -> Signers:
    """The director's keys; raises CredentialsRefused when one is missing or damaged."""
    return Signers(
        targets=_key(keystore, DIRECTOR_TARGETS_KEY),
        snapshot=_key(keystore, DIRECTOR_SNAPSHOT_KEY),
        timestamp=_key(keystore, DIRECTOR_TIMESTAMP_KEY),
    )


def lifetimes_of(config: CampaignsConfig) -> Lifetimes:
    """How long directions count, by these limits."""
    return Lifetimes(
        targets_s=config.targets_life_days * DAY_S,
        timestamp_s=config.timestamp_life_hours * HOUR_S,
    )


class Director:
    """Signs directions."""

    def __init__(self, signers: Signers, lifetimes: Lifetimes) -> None:
        self._signers = signers
        self._lifetimes = lifetimes

    def tell(
        self,
        connection: Connection,
        car_id: str,
        campaign_id: str | None,
        assignment: Assignment | None,
        now_us: int,
        read_version: int = 0,
    ) -> None:
        """Say something new to a car. read_version: what the car says that it has read."""
        known = rows.find_directions(connection, car_id)
        version = max(0 if known is None else known.version, read_version) + 1
        stamp = _next_stamp(known, now_us)
        signed = direct(car_id, assignment, version, stamp, now_us, self._lifetimes, self._signers)
        said = {
            "campaign_id": campaign_id,
            "release_number": 0 if assignment is None else assignment.release_number,
        }
        rows.save_directions(connection, car_id, said | _signed(signed, version, stamp, now_us))

    def answer(
        self, connection: Connection, known: Row[Any], now_us: int, read_version: int = 0
    ) -> None:
        """Say to a car again what was said to it, freshly signed.

        known: its directions on record.
        """
        stamp = _next_stamp(known, now_us)
        is_old = now_us - known.signed_us > self._lifetimes.targets_s * SECOND_US // 2
        if is_old or read_version > known.version:
            version = max(known.version, read_version) + 1
            targets = bytes(known.targets)
            renewed = renew(targets, version, stamp, now_us, self._lifetimes, self._signers)
            said = _signed(renewed, version, stamp, now_us)
        else:
            snapshot = bytes(known.snapshot)
            timestamp = sign_timestamp(
                snapshot, known.version, stamp, now_us, self._lifetimes, self._signers
            )
            said = {"timestamp": timestamp, "timestamp_version": stamp, "unsent_us": now_us}
        rows.save_directions(connection, known.car_id, said)


def _key(keystore: KeyStore, name: str) -> Signer:
    secret = keystore.read(name)
    if secret is None:
        raise CredentialsRefused(f"The cell has no {name} key.")
    return load_key(secret)


def _next_stamp(known: Row[Any] | None, now_us: int) -> int:
    return max(0 if known is None else known.timestamp_version + 1, now_us // SECOND_US)


def _signed(signed: Directions, version: int, stamp: int, now_us: int) -> dict[str, Any]:
    return {
        "version": version,
        "timestamp_version": stamp,
        "targets": signed.targets,
        "snapshot": signed.snapshot,
        "timestamp": signed.timestamp,
        "signed_us": now_us,
        "unsent_us": now_us,
    }
