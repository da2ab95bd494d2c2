"""Enrolment in the car: its keys are made once, kept at once, and never leave it."""

from random import Random

import pytest

from monocoque.car.enrolment.service import enrol, known_place
from monocoque.car.keys.service import identity_of
from monocoque.contracts.documents import CAR_ENROLMENT
from monocoque.contracts.errors import CellUnreachable, CredentialsRefused
from monocoque.plumbing.bus.nats_credentials import NatsCredentials, public_key
from monocoque.plumbing.clock import SystemClock
from monocoque.trust.documents import verify
from monocoque.trust.keys import SystemKeyMaker, thumbprint
from tests.fixtures.bus import SecretsInMemory

BIRTH = b"birth-document-of-the-factory"
PLACE = "place.on.the-bus"


class Cell:
    """The way to the cell: keeps what was sent, and is away as often as it is told."""

    def __init__(self, away_times: int = 0) -> None:
        self.documents: list[bytes] = []
        self._away_times = away_times

    async def post(self, document: bytes) -> str:
        self.documents.append(document)
        if len(self.documents) <= self._away_times:
            raise CellUnreachable("The cell does not answer.")
        return PLACE


class Car:
    """One car: its secrets outlive its process."""

    def __init__(self) -> None:
        self.keystore = SecretsInMemory()
        self.clock = SystemClock()
        self.random = Random(1)

    async def enrol(self, cell: Cell) -> NatsCredentials:
        """One life of the car's process."""
        identity = identity_of(self.keystore, SystemKeyMaker())
        return await enrol(self.keystore, identity, BIRTH, self.clock, self.random, cell.post)

    def secrets(self) -> dict[str, bytes | None]:
        return {name: self.keystore.read(name) for name in self.keystore.names()}


def test_the_identity_key_is_made_once_and_kept() -> None:
    keystore = SecretsInMemory()
    first = identity_of(keystore, SystemKeyMaker())
    again = identity_of(keystore, SystemKeyMaker())
    assert first.algorithm == "ES256"
    assert again.public_jwk == first.public_jwk
    assert identity_of(SecretsInMemory(), SystemKeyMaker()).key_id != first.key_id


def test_a_damaged_identity_key_is_not_replaced_by_a_new_one() -> None:
    keystore = SecretsInMemory()
    keystore.write("identity-key", b"{}")
    with pytest.raises(CredentialsRefused):
        identity_of(keystore, SystemKeyMaker())
    assert keystore.read("identity-key") == b"{}"


async def test_a_new_car_has_no_place_and_an_enrolled_one_knows_it() -> None:
    car = Car()
    assert known_place(car.keystore) is None
    given = await car.enrol(Cell())
    assert given.jwt == PLACE
    assert known_place(car.keystore) == given


async def test_the_request_says_who_asks_and_shows_public_halves_only() -> None:
    car, cell = Car(), Cell()
    given = await car.enrol(cell)
    (document,) = cell.documents
    identity = identity_of(car.keystore, SystemKeyMaker())
    trusted = {thumbprint(identity.public_jwk): identity.public_jwk}
    request = verify(CAR_ENROLMENT, document, trusted.get, car.clock.now_us(), audience="cell")
    assert request.text("iss") == identity.key_id
    assert request.text("birth").encode() == BIRTH
    assert request.text("bus_key") == public_key(given.seed)
    assert given.seed.decode() not in str(request.claims)
    assert "jwk" not in str(request.claims)


async def test_enrolling_again_asks_with_the_same_keys_in_another_request() -> None:
    car, cell = Car(), Cell()
    first = await car.enrol(cell)
    secrets = car.secrets()
    again = await car.enrol(cell)
    assert again == first
    assert car.secrets() == secrets
    assert cell.documents[0] != cell.documents[1]


async def test_it_goes_on_with_the_same_keys_after_the_cell_did_not_answer() -> None:
    car, cell = Car(), Cell(away_times=1)
    with pytest.raises(CellUnreachable):
        await car.enrol(cell)
    assert known_place(car.keystore) is None
    kept = car.secrets()
    assert sorted(kept) == ["bus-key", "identity-key"]

    given = await car.enrol(cell)
    assert car.secrets() == kept | {"bus-place": PLACE.encode()}
    assert given == NatsCredentials(PLACE, kept["bus-key"] or b"")
    assert known_place(car.keystore) == given
