"""Enrolment at the cell: whom it gives a place on the bus, and whom it refuses."""

import contextlib
import json
from collections.abc import Callable
from random import Random

import pytest

from monocoque.car.enrolment import service as car_enrolment
from monocoque.car.keys.service import identity_of
from monocoque.cloud.enrolment import web
from monocoque.cloud.enrolment.service import Enrolment, Place
from monocoque.cloud.registry import records as registry_records
from monocoque.contracts import identifiers
from monocoque.contracts.documents import CAR_BIRTH, CAR_ENROLMENT, CLOCK_DIFFERENCE_S_MAX
from monocoque.contracts.errors import (
    CarAlreadyEnrolled,
    CredentialsRefused,
    DocumentAudienceWrong,
    DocumentExpired,
    DocumentMalformed,
    DocumentTypeUnknown,
    IdentifierMalformed,
    KeyUnknown,
    MonocoqueError,
    SignatureInvalid,
)
from monocoque.contracts.rights import Site
from monocoque.plumbing.bus.nats_credentials import (
    NatsAuthority,
    NatsCredentials,
    make_bus_key,
    public_key,
)
from monocoque.plumbing.records.port import Records
from monocoque.roles.http import build_app
from monocoque.trust.documents import sign
from monocoque.trust.keys import PrivateKey, SystemKeyMaker, load_key
from tests.fixtures.bus import SecretsInMemory
from tests.fixtures.http import HOSTS, SettableClock, in_process, make_context

CAR_ID = "car_0123456789abcdefghjkmnpqrs"
PATH = "/api/cars/enrolments"


def new_key() -> PrivateKey:
    return SystemKeyMaker().make("ES256")


class World:
    """A factory, a cell on these records, and cars."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.clock = SettableClock()
        self.random = Random(1)
        self.factory = new_key()
        self.car_key = new_key()
        self.seed = make_bus_key()
        authority = NatsAuthority(SecretsInMemory(), self.clock)
        authority.make_keys()
        self.enrolment = Enrolment(
            records, self.clock, self.factory.public_jwk, authority.car_credentials
        )

    def _times(self, lifetime_s: int) -> dict[str, int]:
        now_s = self.clock.now_us() // 1_000_000
        return {"iat": now_s, "exp": now_s + lifetime_s}

    def birth(
        self,
        *,
        factory: PrivateKey | None = None,
        key: PrivateKey | None = None,
        **claims: object,
    ) -> bytes:
        """The factory's word that the car holds this key."""
        signer = factory or self.factory
        told = {
            "iss": signer.key_id,
            "sub": CAR_ID,
            "jti": identifiers.make("message", self.random.getrandbits),
            "cnf": {"jwk": (key or self.car_key).public_jwk},
            **self._times(CAR_BIRTH.lifetime_s_max),
        }
        return sign(CAR_BIRTH, told | claims, signer)

    def request(
        self, birth: bytes | None = None, *, key: PrivateKey | None = None, **claims: object
    ) -> bytes:
        """The car's request."""
        signer = key or self.car_key
        told = {
            "iss": signer.key_id,
            "aud": "cell",
            "jti": identifiers.make("message", self.random.getrandbits),
            "birth": (birth or self.birth()).decode(),
            "bus_key": public_key(self.seed),
            **self._times(CAR_ENROLMENT.lifetime_s_max),
        }
        return sign(CAR_ENROLMENT, told | claims, signer)

    def renamed(self, birth: bytes) -> bytes:
        """A birth of a foreign factory that names our factory's key as its signer."""
        foreign = sign(
            CAR_BIRTH,
            {
                "iss": self.factory.key_id,
                "sub": CAR_ID,
                "jti": identifiers.make("message", self.random.getrandbits),
                "cnf": {"jwk": self.car_key.public_jwk},
                **self._times(60),
            },
            new_key(),
        )
        return b".".join([birth.split(b".")[0], *foreign.split(b".")[1:]])

    async def kept_bus_key(self) -> str | None:
        """The bus key that is on record."""
        row = await self.records.transact(lambda c: registry_records.find_car(c, CAR_ID))
        return None if row is None else row.bus_key


async def test_a_car_with_a_birth_document_gets_a_place_of_its_own_name(records: Records) -> None:
    world = World(records)
    place = await world.enrolment.enrol(world.request())
    assert place.car_id == CAR_ID
    assert NatsCredentials(place.credentials, world.seed).name == CAR_ID
    row = await records.transact(lambda c: registry_records.find_car(c, CAR_ID))
    assert row is not None
    assert json.loads(row.identity_key) == world.car_key.public_jwk
    assert row.bus_key == public_key(world.seed)
    assert row.enrolled_us == world.clock.now_us()
    assert row.online is False


async def test_the_two_sides_understand_each_other(records: Records) -> None:
    world = World(records)
    keystore = SecretsInMemory()
    identity = identity_of(keystore, SystemKeyMaker())
    birth = world.birth(key=load_key(keystore.read("identity-key") or b""))

    async def post(document: bytes) -> str:
        return (await world.enrolment.enrol(document)).credentials

    given = await car_enrolment.enrol(keystore, identity, birth, world.clock, world.random, post)
    assert given.name == CAR_ID


REFUSED = [
    pytest.param(lambda w: w.request(w.birth(factory=new_key())), KeyUnknown, id="foreign-factory"),
    pytest.param(
        lambda w: w.request(w.renamed(w.birth())), SignatureInvalid, id="foreign-factory-disguised"
    ),
    pytest.param(lambda w: w.request(key=new_key()), KeyUnknown, id="another-key-than-the-birth"),
    pytest.param(
        lambda w: w.request(w.birth(key=new_key())), KeyUnknown, id="birth-of-another-car"
    ),
    pytest.param(lambda w: w.request()[:-4] + b"AAAA", SignatureInvalid, id="altered"),
    pytest.param(lambda w: w.request(aud="another"), DocumentAudienceWrong, id="for-somebody-else"),
    pytest.param(lambda w: w.request(w.request()), DocumentTypeUnknown, id="no-birth-inside"),
    pytest.param(lambda w: w.birth(), DocumentMalformed, id="a-birth-alone"),
    pytest.param(lambda _: b"nonsense", DocumentMalformed, id="no-document"),
    pytest.param(
        lambda w: w.request(w.birth(sub="car_nobody")), IdentifierMalformed, id="no-identifier"
    ),
    pytest.param(lambda w: w.request(bus_key="UNONSENSE"), CredentialsRefused, id="no-bus-key"),
    pytest.param(lambda w: w.request(bus_key="ÜÜÜÜÜÜÜÜ"), CredentialsRefused, id="not-ascii"),
    pytest.param(
        lambda w: w.request(bus_key=w.seed.decode()), CredentialsRefused, id="a-secret-bus-key"
    ),
    pytest.param(lambda w: w.request(bus_key=7), DocumentMalformed, id="bus-key-is-a-number"),
]


@pytest.mark.parametrize(("document_of", "error"), REFUSED)
async def test_who_is_not_vouched_for_is_refused_and_leaves_nothing(
    records: Records, document_of: Callable[[World], bytes], error: type[MonocoqueError]
) -> None:
    world = World(records)
    with pytest.raises(error):
        await world.enrolment.enrol(document_of(world))
    assert await world.kept_bus_key() is None


async def test_a_request_ends_and_so_does_a_birth(records: Records) -> None:
    world = World(records)
    birth, request = world.birth(), world.request()
    world.clock.advance(CAR_ENROLMENT.lifetime_s_max + CLOCK_DIFFERENCE_S_MAX - 1)
    await world.enrolment.enrol(request)
    world.clock.advance(1)
    with pytest.raises(DocumentExpired):
        await world.enrolment.enrol(request)
    await world.enrolment.enrol(world.request(birth))
    world.clock.advance(CAR_BIRTH.lifetime_s_max)
    with pytest.raises(DocumentExpired):
        await world.enrolment.enrol(world.request(birth))


async def test_another_key_for_a_known_car_is_refused_whoever_vouches_for_it(
    records: Records,
) -> None:
    world = World(records)
    await world.enrolment.enrol(world.request())
    kept, thief = await world.kept_bus_key(), new_key()
    world.seed = make_bus_key()
    with pytest.raises(CarAlreadyEnrolled):
        await world.enrolment.enrol(world.request(world.birth(key=thief), key=thief))
    assert await world.kept_bus_key() == kept


async def test_asking_again_gives_the_place_again(records: Records) -> None:
    world = World(records)
    request = world.request()
    first = await world.enrolment.enrol(request)
    assert await world.enrolment.enrol(request) == first
    assert await world.enrolment.enrol(world.request()) == first


async def test_the_same_car_may_change_its_bus_key(records: Records) -> None:
    world = World(records)
    await world.enrolment.enrol(world.request())
    world.seed = make_bus_key()
    place = await world.enrolment.enrol(world.request())
    assert NatsCredentials(place.credentials, world.seed).name == CAR_ID
    assert await world.kept_bus_key() == public_key(world.seed)


async def test_over_http_a_car_gets_its_place_and_a_wrong_document_a_problem(
    records: Records, clients: contextlib.AsyncExitStack
) -> None:
    world = World(records)
    application = build_app(
        make_context(world.clock, records=records),
        cars_online=_nobody,
        routers=[web.routes(world.enrolment)],
        pages_directory=None,
    )
    client = await in_process(clients, application, HOSTS[Site.DOORS])
    given = await client.post(PATH, json={"document": world.request().decode()})
    assert given.status_code == 200, given.text
    expected = await world.enrolment.enrol(world.request())
    assert Place(**given.json()) == expected

    refused = await client.post(PATH, json={"document": "nonsense"})
    assert refused.status_code == 400
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "document_malformed"
    assert refused.json()["may_have_happened"] is False

    thief = new_key()
    stolen = world.request(world.birth(key=thief), key=thief)
    conflict = await client.post(PATH, json={"document": stolen.decode()})
    assert (conflict.status_code, conflict.json()["code"]) == (409, "car_already_enrolled")

    console = await in_process(clients, application, HOSTS[Site.CONSOLE])
    elsewhere = await console.post(PATH, json={"document": world.request().decode()})
    assert elsewhere.status_code == 421


async def _nobody() -> int:
    return 0
