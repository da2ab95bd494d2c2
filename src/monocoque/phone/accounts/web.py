"""HTTP routes of accounts: sign in, sign out, who am I, my settings."""

from enum import StrEnum

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from monocoque.contracts.rights import CHANGE_SELF, READ_SELF, SIGN_IN, PersonRole, Site
from monocoque.phone.accounts.service import Accounts
from monocoque.plumbing.http.exchange import CurrentPlace, CurrentSession, CurrentSessionToken
from monocoque.plumbing.http.rules import needs
from monocoque.plumbing.http.sessions import csrf_token, set_cookie

SIGN_IN_BYTES_MAX = 1_024
SETTINGS_BYTES_MAX = 1_024


class Locale(StrEnum):
    """Languages of the pages, as BCP 47 tags."""

    ENGLISH = "en"
    CHINESE = "zh"
    GERMAN = "de"


class Theme(StrEnum):
    """How the pages look."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class SignIn(BaseModel):
    """A one-time link that is to become a session."""

    model_config = ConfigDict(extra="forbid")

    link_code: str = Field(
        min_length=16, max_length=64, pattern="^[A-Za-z0-9_-]+$", description="what follows the #"
    )


class Settings(BaseModel):
    """What a person chose."""

    model_config = ConfigDict(extra="forbid")

    locale: Locale
    theme: Theme


class Me(BaseModel):
    """Who is signed in in this browser."""

    person_id: str
    display_name: str
    roles: list[PersonRole] = Field(description="those that count on this site, sorted")
    site: Site
    settings: Settings
    csrf_token: str = Field(description="to be sent as X-CSRF-Token with every change")


def routes(accounts: Accounts) -> APIRouter:
    """The routes, on these accounts."""
    router = APIRouter(tags=["accounts"])

    @router.post("/api/session", status_code=204)
    @needs(SIGN_IN, body_bytes_max=SIGN_IN_BYTES_MAX)
    async def sign_in(body: SignIn, place: CurrentPlace, response: Response) -> None:
        """Exchange a one-time link for a session, which comes as a cookie."""
        token = await accounts.sign_in(body.link_code, place.site)
        response.headers["set-cookie"] = set_cookie(place, token, accounts.session_lifetime_s)

    @router.delete("/api/session", status_code=204)
    @needs(CHANGE_SELF)
    async def sign_out(session: CurrentSession, place: CurrentPlace, response: Response) -> None:
        """End this browser's session."""
        await accounts.sign_out(session.session_id)
        response.headers["set-cookie"] = set_cookie(place, "", 0)

    @router.get("/api/me")
    @needs(READ_SELF)
    async def read_me(session: CurrentSession, token: CurrentSessionToken) -> Me:
        """Who is signed in, and the token that changes need."""
        profile = await accounts.profile(session.person_id)
        return Me(
            person_id=session.person_id,
            display_name=profile.display_name,
            roles=sorted(session.roles, key=lambda role: role.value),
            site=session.site,
            settings=Settings(locale=Locale(profile.locale), theme=Theme(profile.theme)),
            csrf_token=csrf_token(token),
        )

    @router.put("/api/me/settings")
    @needs(CHANGE_SELF, body_bytes_max=SETTINGS_BYTES_MAX)
    async def save_settings(settings: Settings, session: CurrentSession) -> Settings:
        """Keep language and look; on disk when this is answered, and harmless to repeat."""
        await accounts.save_settings(session.person_id, settings.locale.value, settings.theme.value)
        return settings

    return router
