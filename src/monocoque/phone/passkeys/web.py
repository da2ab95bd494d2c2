"""HTTP routes of passkeys: add, list, remove, and sign in."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from monocoque.contracts.rights import CHANGE_SELF, READ_SELF, SIGN_IN
from monocoque.phone.accounts.service import Accounts
from monocoque.phone.passkeys.logic import Host, MadeAnswer, PasskeyRow, UsedAnswer
from monocoque.phone.passkeys.service import Passkeys
from monocoque.plumbing.clock import moment_of
from monocoque.plumbing.http.exchange import CurrentPlace, CurrentSession
from monocoque.plumbing.http.rules import needs
from monocoque.plumbing.http.sessions import set_cookie
from monocoque.plumbing.http.sites import Place

ANSWER_BYTES_MAX = 16_384

Base64url = Annotated[
    str, StringConstraints(pattern="^[A-Za-z0-9_-]+$", min_length=1, max_length=8_192)
]
CredentialId = Annotated[
    str, StringConstraints(pattern="^[A-Za-z0-9_-]+$", min_length=1, max_length=1_364)
]


class PasskeyOptions(BaseModel):
    """What the browser is to be asked."""

    public_key: dict[str, Any] = Field(
        description="the JSON form of WebAuthn Level 3, section 5.1.9 or 5.1.10"
    )


class NewPasskey(BaseModel):
    """What a browser made; bytes are base64url without padding."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, description="what its person calls it")
    credential_id: CredentialId
    client_data: Base64url
    attestation: Base64url


class PasskeyAnswer(BaseModel):
    """How a passkey answered; bytes are base64url without padding."""

    model_config = ConfigDict(extra="forbid")

    credential_id: CredentialId
    client_data: Base64url
    authenticator_data: Base64url
    signature: Base64url
    user_handle: Base64url


class Passkey(BaseModel):
    """A passkey of the person who asks, on this site."""

    passkey_id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None = Field(description="by the cell's clock; null: never")


class PasskeyList(BaseModel):
    """A person's passkeys on this site."""

    passkeys: list[Passkey] = Field(description="oldest first")


def routes(passkeys: Passkeys, accounts: Accounts) -> APIRouter:
    """The routes, on these passkeys."""
    router = APIRouter(tags=["passkeys"])

    @router.get("/api/me/passkeys")
    @needs(READ_SELF)
    async def read_passkeys(session: CurrentSession, place: CurrentPlace) -> PasskeyList:
        """One's own passkeys on this site."""
        found = await passkeys.list(session.person_id, _host(place))
        return PasskeyList(passkeys=[_shown(row) for row in found])

    @router.post("/api/me/passkeys/options")
    @needs(CHANGE_SELF)
    async def begin_passkey(session: CurrentSession, place: CurrentPlace) -> PasskeyOptions:
        """Ask what the browser needs to make a passkey; the challenge in it works once."""
        options = await passkeys.options_to_make(session.person_id, _host(place))
        return PasskeyOptions(public_key=options)

    @router.post("/api/me/passkeys", status_code=201)
    @needs(CHANGE_SELF, body_bytes_max=ANSWER_BYTES_MAX)
    async def add_passkey(
        body: NewPasskey, session: CurrentSession, place: CurrentPlace
    ) -> Passkey:
        """Keep a passkey that the browser made; on disk when this is answered."""
        answer = MadeAnswer(body.credential_id, body.client_data, body.attestation)
        return _shown(await passkeys.add(session.person_id, _host(place), body.name, answer))

    @router.delete("/api/me/passkeys/{passkey_id}", status_code=204)
    @needs(CHANGE_SELF)
    async def remove_passkey(passkey_id: str, session: CurrentSession, place: CurrentPlace) -> None:
        """Remove a passkey; sessions that it opened go on until they are signed out."""
        await passkeys.remove(session.person_id, _host(place), passkey_id)

    @router.post("/api/session/passkey/options")
    @needs(SIGN_IN)
    async def begin_sign_in(place: CurrentPlace) -> PasskeyOptions:
        """Ask what the browser needs to sign in; the challenge in it works once."""
        return PasskeyOptions(public_key=await passkeys.options_to_use(_host(place)))

    @router.post("/api/session/passkey", status_code=204)
    @needs(SIGN_IN, body_bytes_max=ANSWER_BYTES_MAX)
    async def sign_in_with_passkey(
        body: PasskeyAnswer, place: CurrentPlace, response: Response
    ) -> None:
        """Exchange the answer of a passkey for a session, which comes as a cookie."""
        answer = UsedAnswer(
            body.credential_id,
            body.client_data,
            body.authenticator_data,
            body.signature,
            body.user_handle,
        )
        token = await passkeys.sign_in(place.site, _host(place), answer)
        response.headers["set-cookie"] = set_cookie(place, token, accounts.session_lifetime_s)

    return router


def _host(place: Place) -> Host:
    return Host(name=place.authority.partition(":")[0], origin=place.origin)


def _shown(row: PasskeyRow) -> Passkey:
    return Passkey(
        passkey_id=row.passkey_id,
        name=row.name,
        created_at=moment_of(row.created_us),
        last_used_at=None if row.last_used_us is None else moment_of(row.last_used_us),
    )
