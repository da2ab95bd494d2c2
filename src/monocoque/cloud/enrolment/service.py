"""Enrolment: a car with a birth document of our factory gets its place on the bus.

Rules:

* the factory's signature says which key the car holds; the request is signed by that key; nothing
  else is believed;
* the first key on record for a car stays; another key is refused, whoever vouches for it;
* asking again is harmless and gives the same place.

Left out on purpose: taking a place away; docs/decisions/0034 says what that needs.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from monocoque.cloud.registry import service as registry
from monocoque.contracts.documents import CAR_BIRTH, CAR_ENROLMENT
from monocoque.contracts.errors import CarAlreadyEnrolled
from monocoque.contracts.identifiers import CarId, car_id
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.records.port import Records
from monocoque.trust.documents import bound_key, unverified_claim, verify
from monocoque.trust.keys import thumbprint

AUDIENCE = "cell"


@dataclass(frozen=True)
class Place:
    """A car's place on the bus."""

    car_id: CarId
    credentials: str


class Enrolment:
    """Gives cars their places."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        factory_key: Mapping[str, str],
        issue: Callable[[str, str], str],
    ) -> None:
        """factory_key: public JWK. issue: makes the place of a car_id and a public bus key."""
        self._records = records
        self._clock = clock
        self._factory_key = factory_key
        self._issue = issue

    async def enrol(self, document: bytes) -> Place:
        """Check the request and give the place.

        Raises DocumentRefused, IdentifierMalformed, CredentialsRefused, CarAlreadyEnrolled.
        """
        now_us = self._clock.now_us()
        birth_text = unverified_claim(document, "birth")
        trusted = {thumbprint(self._factory_key): self._factory_key}
        birth = verify(CAR_BIRTH, birth_text.encode(), trusted.get, now_us)
        car, key = car_id(birth.text("sub")), bound_key(birth.claims)
        bound = {thumbprint(key): key}
        request = verify(CAR_ENROLMENT, document, bound.get, now_us, audience=AUDIENCE)
        bus_key = request.text("bus_key")
        credentials = self._issue(car, bus_key)
        identity_key = json.dumps(key, sort_keys=True)
        kept = await registry.enrol(self._records, car, identity_key, bus_key, now_us)
        if kept != identity_key:
            raise CarAlreadyEnrolled("The car is on record with another key.")
        return Place(car, credentials)
