"""The tokens of apps: each is cut to a manifest, lives shortly, and is taken back with its app.

Left out on purpose: a right of an app that is in no token; the door asks for nothing else.
"""

from monocoque.car.apps.config import AppsConfig
from monocoque.car.tokens import service as tokens
from monocoque.car.tokens.config import TokensConfig
from monocoque.contracts.apps import Manifest
from monocoque.contracts.errors import NotFound
from monocoque.plumbing.service import Context


class Pass:
    """The tokens of one life of one app."""

    def __init__(self, context: Context, manifest: Manifest) -> None:
        self._context = context
        self._manifest = manifest
        self._token_id = ""

    async def issue(self) -> str:
        """A new token; the one before lives on until its end, which is near.

        Empty for an app without signals. Raises SignalClientsFull, and what ``transact`` raises.
        """
        context, scope = self._context, scopes(self._manifest)
        if not scope:
            return ""
        token, self._token_id = await tokens.issue(
            context.records,
            tokens.key_of(context.keystore),
            context.machine_id,
            f"app {self._manifest.name}",
            scope,
            context.config(AppsConfig).token_s,
            context.clock.now_us(),
            context.random,
            context.config(TokensConfig).tokens_max,
        )
        return token

    async def take_back(self) -> None:
        """The newest token is worth nothing any more. Raises what ``transact`` raises."""
        if not self._token_id:
            return
        try:
            now_us = self._context.clock.now_us()
            await tokens.revoke(self._context.records, self._token_id, now_us)
        except NotFound:  # it had ended, and is forgotten
            return


def scopes(manifest: Manifest) -> str:
    """What the manifest says, as a scope of KUKSA's tokens: ``read:Vehicle.Speed ...``."""
    return " ".join(f"{wish.access.value}:{wish.path}" for wish in manifest.signals)
