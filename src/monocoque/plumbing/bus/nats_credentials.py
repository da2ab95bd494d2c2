"""Who is who on NATS: the cell's keys, and the credentials made with them.

Rules:

* operator, accounts and signing keys are made once and kept in the KeyStore; whoever holds a
  signing key can make credentials of that role only;
* a car's and a service's credentials name it and nothing else: what it may do is the template of
  the signing key, so a change of rights needs no new credentials;
* the secret of a car's bus key is made in the car and never leaves it; the cell signs its public
  half. A service's key lives as long as its process.

The forms are those of NATS: nkeys (Ed25519, RFC 8032, in a base-32 text of its own) and JWTs with
the algorithm ``ed25519-nkey``.
* one car's place is taken away by its bus key, whatever credentials were made for it; a car that
  gets a place again makes a new key.

Left out on purpose: expiry. A car in a garage for a year must come back by itself. And the memory
of who was revoked: whoever revokes keeps the list, and names all of it again at every start.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import nkeys

from monocoque.contracts.errors import CredentialsRefused
from monocoque.contracts.topics import TOPICS, Role, Topic
from monocoque.plumbing.bus import nats_rights
from monocoque.plumbing.bus.config import NATS_DEFAULTS, NatsServerConfig
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.keystore.port import KeyStore
from monocoque.plumbing.keystore.rules import DAMAGED_HINT

NAME_SUFFIX_BYTES: Final = 8
SEED_BYTES: Final = 32
RandomBytes = Callable[[int], bytes]
_NO_LIMIT: Final = -1
_END_OF_TIME_S: Final = 253_402_300_799
"""Credentials made before it are revoked: the last second of the year 9999, so all of them."""
_HEADER: Final = {"typ": "JWT", "alg": "ed25519-nkey"}
_JWT_CHARACTERS_MAX: Final = 16_384


@dataclass(frozen=True)
class NatsCredentials:
    """What a participant shows to the server."""

    jwt: str
    """The cell's word that this public key is that participant; no secret."""
    seed: bytes = field(repr=False)
    """The secret half of the key, as an nkeys seed."""

    @property
    def name(self) -> str:
        """Who it is; raises CredentialsRefused when the JWT is damaged or of another key."""
        try:
            if len(self.jwt) > _JWT_CHARACTERS_MAX:
                raise CredentialsRefused("The bus credentials are too long to be ours.")
            body = self.jwt.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            name, subject = claims["name"], claims["sub"]
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise CredentialsRefused("The bus credentials are damaged.") from error
        if subject != public_key(self.seed) or not isinstance(name, str):
            raise CredentialsRefused("The bus credentials belong to another key.")
        return name

    def sign(self, nonce: bytes) -> bytes:
        """Prove to the server that the key is ours: the signature, in base 64."""
        return base64.b64encode(_pair(self.seed).sign(nonce))


def make_bus_key(random_bytes: RandomBytes = secrets.token_bytes) -> bytes:
    """A new secret bus key for a car or service, as an nkeys seed; keep it in a KeyStore."""
    return _make_seed(nkeys.PREFIX_BYTE_USER, random_bytes)


def public_key(seed: bytes) -> str:
    """The public half of a bus key, such as ``UABC...``; raises CredentialsRefused."""
    return str(_pair(seed).public_key.decode())


def check_public_bus_key(text: str) -> str:
    """Return the text when it is a public bus key; raises CredentialsRefused."""
    try:
        raw = base64.b32decode(text)
    except ValueError as error:
        raise CredentialsRefused("This is no public bus key.") from error
    is_whole = len(raw) == 35 and nkeys.crc16_checksum(raw[:-2]) == raw[-2:]
    if not is_whole or raw[0] != nkeys.PREFIX_BYTE_USER:
        raise CredentialsRefused("This is no public bus key.")
    return text


@dataclass(frozen=True)
class AccountClaims:
    """What an account is: its key's name in the keystore, and what the cell says of it."""

    name: str
    claims: Mapping[str, Any]


class NatsAuthority:
    """The cell's keys on NATS; needs only the keys that a call uses."""

    def __init__(
        self,
        keystore: KeyStore,
        clock: Clock,
        topics: Sequence[Topic[Any]] = TOPICS,
        limits: NatsServerConfig = NATS_DEFAULTS,
    ) -> None:
        self._limits = limits
        self._keystore = keystore
        self._clock = clock
        self._topics = topics
        self._revoked: frozenset[str] = frozenset()

    def make_keys(self, random_bytes: RandomBytes = secrets.token_bytes) -> None:
        """Make whatever key is not there yet. Raises DiskFull, NotWritable.

        random_bytes: gives so many random bytes; a world's are seeded.
        """
        names = {_signer_name(role) for role in Role} | {
            _account_name(r) for r in nats_rights.OUTSIDE
        }
        present = set(self._keystore.names())
        for name in sorted((names | {_CELL, _SYSTEM}) - present):
            self._keystore.write(name, _make_seed(nkeys.PREFIX_BYTE_ACCOUNT, random_bytes))
        if _OPERATOR not in present:
            self._keystore.write(_OPERATOR, _make_seed(nkeys.PREFIX_BYTE_OPERATOR, random_bytes))

    def car_credentials(self, car_id: str, bus_public_key: str) -> str:
        """The JWT that gives the car with this public bus key its place; needs the cars' key."""
        return self._user(Role.CAR, car_id, check_public_bus_key(bus_public_key))

    def home_credentials(self, home_id: str, bus_public_key: str) -> str:
        """The same for a home; needs the homes' key."""
        return self._user(Role.HOME, home_id, check_public_bus_key(bus_public_key))

    def service_credentials(self, role: Role) -> NatsCredentials:
        """Credentials of a service role, with a key of their own; needs that role's key."""
        seed = make_bus_key()
        name = f"{role.value}_{secrets.token_hex(NAME_SUFFIX_BYTES)}"
        return NatsCredentials(self._user(role, name, public_key(seed)), seed)

    def steward_credentials(self) -> NatsCredentials:
        """Credentials to make streams, for the server's supervisor; needs the account's key."""
        seed, name = make_bus_key(), "steward"
        rights = {
            "pub": {"allow": [f"$JS.API.STREAM.{verb}.*" for verb in ("CREATE", "UPDATE", "INFO")]},
            "sub": {"allow": [f"{nats_rights.INBOX}{name}.>"]},
            **_USER_LIMITS,
        }
        return NatsCredentials(self._sign(_CELL, "user", name, public_key(seed), rights), seed)

    def herald_credentials(self) -> NatsCredentials:
        """Credentials to tell a running server what an account is from now on, and nothing else."""
        seed, name = make_bus_key(), "herald"
        rights = {
            "pub": {"allow": [nats_rights.ACCOUNT_UPDATE]},
            "sub": {"allow": [f"{nats_rights.INBOX}{name}.>"]},
            **_USER_LIMITS,
        }
        return NatsCredentials(self._sign(_SYSTEM, "user", name, public_key(seed), rights), seed)

    def watchman_credentials(self) -> NatsCredentials:
        """Credentials to hear whom the server turns away (nats_refusals.py), and nothing else."""
        seed, name = make_bus_key(), "watchman"
        inbox = f"{nats_rights.INBOX}{name}.>"
        rights = {
            "pub": {"allow": [inbox]},
            "sub": {"allow": [inbox, nats_rights.TURNED_AWAY]},
            **_USER_LIMITS,
        }
        return NatsCredentials(self._sign(_SYSTEM, "user", name, public_key(seed), rights), seed)

    def revoke(self, bus_public_keys: Collection[str]) -> None:
        """Name every bus key of a car that has lost its place, for ``accounts``.

        Raises CredentialsRefused when one is none.
        """
        self._revoked = frozenset(check_public_bus_key(key) for key in bus_public_keys)

    def open_mqtt(self, home_id: str, random_bytes: RandomBytes = secrets.token_bytes) -> None:
        """Give a home a new signing key for MQTT: what older ones signed is worth nothing more.

        The server hears of it when it reads its rights again. Raises DiskFull, NotWritable.
        """
        account = mqtt_account_name(home_id)
        if account not in self._keystore.names():
            self._keystore.write(account, _make_seed(nkeys.PREFIX_BYTE_ACCOUNT, random_bytes))
        signer = _make_seed(nkeys.PREFIX_BYTE_ACCOUNT, random_bytes)
        self._keystore.write(mqtt_signer_name(home_id), signer)

    def mqtt_credentials(
        self, home_id: str, name: str, random_bytes: RandomBytes = secrets.token_bytes
    ) -> str:
        """What an MQTT client of this home shows as its password; needs the home's signing key.

        Whoever has it may use it: MQTT 3.1.1 has no way to prove that one holds a key.
        """
        seed = make_bus_key(random_bytes)  # nobody keeps it: the server asks for no signature
        issuer = {"issuer_account": self._public(mqtt_account_name(home_id))}
        return self._sign(mqtt_signer_name(home_id), "user", name, public_key(seed), issuer)

    def server_configuration(
        self, accounts: Mapping[str, AccountClaims], accounts_directory: Path
    ) -> dict[str, str]:
        """The lines of the server's configuration that say whom it trusts, by their names.

        accounts: what ``accounts`` gave. accounts_directory: where the server keeps what it is told
        of accounts while it runs.
        """
        system = self._public(_SYSTEM)
        claims = {"system_account": system}
        operator = self._sign(_OPERATOR, "operator", "monocoque", self._public(_OPERATOR), claims)
        preload = "\n".join(
            f'  {key}: "{self.sign_account(account)}"' for key, account in accounts.items()
        )
        return {
            "operator": f'"{operator}"',
            "system_account": system,
            "resolver": f"{{ type: full, dir: {json.dumps(str(accounts_directory))} }}",
            "resolver_preload": f"{{\n{preload}\n}}",
        }

    def accounts(self) -> dict[str, AccountClaims]:
        """What each account is now, by its public key."""
        found = [AccountClaims(_SYSTEM, {}), self._cell_account()]
        found += [self._outside_account(role) for role in nats_rights.OUTSIDE]
        for name in self._keystore.names():
            if name.startswith(_MQTT_ACCOUNT):
                found.append(self.mqtt_account(name.removeprefix(_MQTT_ACCOUNT)))
        return {self._public(account.name): account for account in found}

    def sign_account(self, account: AccountClaims) -> str:
        """The cell's word to the server that the account is so from now on."""
        claims = {"limits": _LIMITS, **account.claims}
        return self._sign(_OPERATOR, "account", account.name, self._public(account.name), claims)

    def _cell_account(self) -> AccountClaims:
        exports: list[dict[str, Any]] = []
        for role in nats_rights.OUTSIDE:
            said = nats_rights.service_export(role, self._topics)
            exports.append({"name": said, "subject": said, "type": "service"})
            for heard in nats_rights.stream_exports(role, self._topics):
                exports.append({"name": heard, "subject": heard, "type": "stream"})
        mapped = nats_rights.mappings(self._topics)
        return AccountClaims(
            _CELL,
            {
                "limits": _LIMITS | _STREAM_LIMITS,
                "signing_keys": [self._scope(r) for r in Role if r not in nats_rights.OUTSIDE],
                "exports": exports,
                "mappings": {k: [{"subject": to, "weight": 100}] for k, to in mapped.items()},
            },
        )

    def _outside_account(self, role: Role) -> AccountClaims:
        said = nats_rights.service_export(role, self._topics)
        heard = nats_rights.stream_exports(role, self._topics)
        kinds = [(said, "service"), *((subject, "stream") for subject in heard)]
        imports = [
            {
                "name": subject,
                "subject": subject,
                "local_subject": subject,
                "account": self._public(_CELL),
                "type": kind,
            }
            for subject, kind in kinds
        ]
        return AccountClaims(
            _account_name(role),
            {
                "signing_keys": [self._scope(role)],
                "imports": imports,
                "revocations": dict.fromkeys(sorted(self._revoked), _END_OF_TIME_S),
            },
        )

    def mqtt_account(self, home_id: str) -> AccountClaims:
        """What the account of one home's MQTT clients is now; needs the home's keys."""
        allowed = nats_rights.MQTT_SUBJECTS
        scope = {
            "kind": "user_scope",
            "key": self._public(mqtt_signer_name(home_id)),
            "role": "mqtt",
            "template": {
                "pub": {"allow": list(allowed.publish)},
                "sub": {"allow": list(allowed.subscribe)},
                "allowed_connection_types": ["MQTT"],
                "bearer_token": True,
                **_USER_LIMITS,
            },
        }
        limits = {
            **_LIMITS,
            "imports": 0,
            "exports": 0,
            "leaf": 0,
            "conn": self._limits.mqtt_connections_max,
            "subs": self._limits.mqtt_subscriptions_max,
            "payload": self._limits.mqtt_message_bytes_max,
            "mem_storage": 0,
            "disk_storage": self._limits.mqtt_store_bytes_max,
            "streams": MQTT_STREAMS,
            "consumer": self._limits.mqtt_consumers_max,
        }
        return AccountClaims(
            mqtt_account_name(home_id), {"limits": limits, "signing_keys": [scope]}
        )

    def _scope(self, role: Role) -> dict[str, Any]:
        allowed = nats_rights.subjects(role, self._topics)
        template = {
            "pub": {"allow": list(allowed.publish)},
            "sub": {"allow": list(allowed.subscribe)},
            "allowed_connection_types": ["STANDARD"],
            **_USER_LIMITS,
        }
        return {
            "kind": "user_scope",
            "key": self._public(_signer_name(role)),
            "role": role.value,
            "template": template,
        }

    def _user(self, role: Role, name: str, subject: str) -> str:
        account = _account_name(role) if role in nats_rights.OUTSIDE else _CELL
        issuer = {"issuer_account": self._public(account)}
        return self._sign(_signer_name(role), "user", name, subject, issuer)

    def _sign(self, key: str, kind: str, name: str, subject: str, claims: dict[str, Any]) -> str:
        pair = self._own_pair(key)
        body: dict[str, Any] = {
            "iat": self._clock.now_us() // 1_000_000,
            "iss": pair.public_key.decode(),
            "name": name,
            "sub": subject,
            "nats": {"type": kind, "version": 2, **claims},
        }
        digest = hashlib.sha256(_json(body)).digest()
        body["jti"] = base64.b32encode(digest).decode().rstrip("=")
        signed = f"{_base64url(_json(_HEADER))}.{_base64url(_json(body))}"
        return f"{signed}.{_base64url(pair.sign(signed.encode()))}"

    def _public(self, name: str) -> str:
        return str(self._own_pair(name).public_key.decode())

    def _own_pair(self, name: str) -> Any:
        seed = self._seed(name)
        try:
            return _pair(seed)
        except CredentialsRefused as error:
            raise CredentialsRefused(f"The key {name} is damaged.", hint=DAMAGED_HINT) from error

    def _seed(self, name: str) -> bytes:
        seed = self._keystore.read(name)
        if seed is None:
            raise CredentialsRefused(f"The key {name} is not in this machine's keystore.")
        return seed


MQTT_STREAMS: Final = 5
"""What the server itself keeps for MQTT in an account: sessions, messages and retained ones."""
_MQTT_ACCOUNT: Final = "nats-mqtt-account-"
_OPERATOR: Final = "nats-operator"
_SYSTEM: Final = "nats-account-system"
_CELL: Final = "nats-account-cell"
_LIMITS: Final = {
    **dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), _NO_LIMIT),
    "wildcards": True,
}
_STREAM_LIMITS: Final = dict.fromkeys(
    ("mem_storage", "disk_storage", "streams", "consumer"), _NO_LIMIT
)
_USER_LIMITS: Final = dict.fromkeys(("subs", "data", "payload"), _NO_LIMIT)


def mqtt_account_name(home_id: str) -> str:
    """The secret that is the account of one home's MQTT clients."""
    return f"{_MQTT_ACCOUNT}{home_id}"


def mqtt_signer_name(home_id: str) -> str:
    """The secret that signs what one home's MQTT clients show."""
    return f"nats-mqtt-signer-{home_id}"


def _account_name(role: Role) -> str:
    return f"nats-account-{role.value}"


def _signer_name(role: Role) -> str:
    return f"nats-signer-{role.value}"


def _make_seed(prefix: int, random_bytes: RandomBytes) -> bytes:
    return bytes(nkeys.encode_seed(random_bytes(SEED_BYTES), prefix))


def _pair(seed: bytes) -> Any:
    try:
        return nkeys.from_seed(seed)
    except (nkeys.NkeysError, ValueError, TypeError, IndexError) as error:
        raise CredentialsRefused("A bus key is damaged.") from error


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
