"""Passkeys: adding one, signing in with it, and removing it.

Rules:

* a challenge is made here, answered once, and spent by the first answer, right or wrong;
* the library that checks an answer runs outside every transaction; the signature count that it
  found is kept only if nobody else kept one meanwhile, so one answer signs in at most once;
* a session made with a passkey is like any other: accounts makes it.

Left out on purpose: replacing the one-time link. It stays the way in for who has no passkey yet,
or lost the device that held it.
"""

import hashlib
from collections.abc import Sequence
from random import Random
from typing import Any

from sqlalchemy import Connection

from monocoque.contracts.errors import ConflictError, NotFound, PasskeyRefused
from monocoque.contracts.identifiers import PersonId
from monocoque.contracts.rights import Site
from monocoque.phone.accounts.config import AccountsConfig
from monocoque.phone.accounts.logic import SECOND_US
from monocoque.phone.accounts.service import Accounts
from monocoque.phone.passkeys import logic
from monocoque.phone.passkeys import records as rows
from monocoque.phone.passkeys.logic import Host, MadeAnswer, MadePasskey, PasskeyRow, UsedAnswer
from monocoque.plumbing.clock import Clock
from monocoque.plumbing.records.port import Records

CHALLENGE_BYTES = 32
NOBODY_YET = ""
"""Whose challenge it is while somebody signs in."""


class Passkeys:
    """The passkeys of one cell."""

    def __init__(
        self,
        records: Records,
        clock: Clock,
        random: Random,
        config: AccountsConfig,
        accounts: Accounts,
    ) -> None:
        """random: where challenges come from, as in Accounts."""
        self._records = records
        self._clock = clock
        self._random = random
        self._config = config
        self._accounts = accounts

    async def options_to_make(self, person_id: PersonId, host: Host) -> dict[str, Any]:
        """What the browser of this person is asked to make a passkey for this host."""
        profile = await self._accounts.profile(person_id)
        known = await self.list(person_id, host)
        challenge = await self._new_challenge(
            person_id, host, self._config.challenges_per_person_max
        )
        return logic.options_to_make(
            host,
            person_id,
            profile.display_name,
            challenge,
            self._config.challenge_lifetime_s,
            [each.credential_id for each in known],
        )

    async def add(
        self, person_id: PersonId, host: Host, name: str, answer: MadeAnswer
    ) -> PasskeyRow:
        """Keep a new passkey; on disk when this returns.

        Raises PasskeyRefused, and ConflictError when it is there already or there are too many.
        """
        challenge = logic.challenge_in(answer.client_data)
        await self._spend(challenge, person_id, host)
        made = logic.check_made(answer, host, challenge)
        row = PasskeyRow(
            passkey_id=logic.passkey_id_of(made.credential_id),
            person_id=person_id,
            host=host.name,
            name=name,
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            created_us=self._clock.now_us(),
        )

        def work(connection: Connection) -> None:
            if rows.passkey_of(connection, row.passkey_id, host.name) is not None:
                raise ConflictError("This passkey is on record already.")
            if rows.count_passkeys(connection, person_id, host.name) >= (
                self._config.passkeys_per_person_max
            ):
                raise ConflictError(
                    "You have as many passkeys as one person may have.",
                    hint="Remove one that you no longer use, then add this one.",
                )
            rows.add_passkey(connection, row)

        await self._records.transact(work)
        return row

    async def list(self, person_id: PersonId, host: Host) -> Sequence[PasskeyRow]:
        """A person's passkeys on this host, oldest first."""
        return await self._records.transact(
            lambda connection: rows.passkeys_of(connection, person_id, host.name)
        )

    async def remove(self, person_id: PersonId, host: Host, passkey_id: str) -> None:
        """Remove a passkey; when this returns, it opens nothing. Raises NotFound."""
        if not await self._records.transact(
            lambda connection: rows.delete_passkey(connection, passkey_id, person_id, host.name)
        ):
            raise NotFound("You have no such passkey.")

    async def options_to_use(self, host: Host) -> dict[str, Any]:
        """What a browser is asked in order to sign in on this host."""
        challenge = await self._new_challenge(NOBODY_YET, host, self._config.challenges_open_max)
        return logic.options_to_use(host, challenge, self._config.challenge_lifetime_s)

    async def sign_in(self, site: Site, host: Host, answer: UsedAnswer) -> str:
        """Open a session of the passkey's person; returns its token. Raises PasskeyRefused."""
        challenge = logic.challenge_in(answer.client_data)
        await self._spend(challenge, NOBODY_YET, host)
        passkey_id = logic.passkey_id_of_text(answer.credential_id)
        found = await self._records.transact(
            lambda connection: rows.passkey_of(connection, passkey_id, host.name)
        )
        if found is None:
            raise PasskeyRefused("There is no such passkey on record.")
        known = MadePasskey(found.credential_id, found.public_key, found.sign_count)
        count_now = logic.check_used(answer, host, challenge, found.person_id, known)
        now_us = self._clock.now_us()
        if not await self._records.transact(
            lambda connection: rows.note_use(
                connection, passkey_id, found.sign_count, count_now, now_us
            )
        ):
            raise PasskeyRefused("The passkey was used or removed at the same moment.")
        return await self._accounts.open_session(found.person_id, site)

    async def _new_challenge(self, person_id: str, host: Host, kept_max: int) -> bytes:
        challenge = self._random.randbytes(CHALLENGE_BYTES)
        now_us = self._clock.now_us()
        expires_us = now_us + self._config.challenge_lifetime_s * SECOND_US

        def work(connection: Connection) -> None:
            rows.trim_challenges(connection, person_id, now_us, kept_max - 1)
            rows.add_challenge(connection, _sha256(challenge), person_id, host.name, expires_us)

        await self._records.transact(work)
        return challenge

    async def _spend(self, challenge: bytes, person_id: str, host: Host) -> None:
        now_us = self._clock.now_us()
        if not await self._records.transact(
            lambda connection: rows.spend_challenge(
                connection, _sha256(challenge), person_id, host.name, now_us
            )
        ):
            raise PasskeyRefused("The challenge was answered before, is too old, or is not ours.")


def _sha256(challenge: bytes) -> bytes:
    return hashlib.sha256(challenge).digest()
