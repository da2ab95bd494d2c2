"""Tokens that a car gives out, judges and takes back."""

import asyncio
from random import Random

import pytest

from monocoque.car.signals.logic.catalogue import own_catalogue
from monocoque.car.tokens import service as tokens
from monocoque.car.tokens.config import TokensConfig
from monocoque.car.tokens.service import Tokens
from monocoque.contracts.errors import (
    NotFound,
    SignalClientsFull,
    SignalTokenExpired,
    SignalTokenRefused,
)
from monocoque.contracts.signals import SPEED
from monocoque.sim.loop import run_virtual
from tests.car.signal_stand import SignalStand
from tests.car.stand import CAR_ID


class TokenStand(SignalStand):
    """A car that gives out tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.key = tokens.key_of(self.keystore)
        self.tokens = Tokens(self.signals, self.key, CAR_ID, TokensConfig().judged_max)
        self.ports[Tokens] = self.tokens
        self.configs[TokensConfig] = TokensConfig()
        self.services["tokens"] = tokens.run

    async def issue(self, scope="read", lifetime_s=60.0, tokens_max=100):
        return await tokens.issue(
            self.records, self.key, CAR_ID, "somebody", scope, lifetime_s,
            self.clock.now_us(), Random(f"{scope} {self.clock.now_us()}"), tokens_max,
        )  # fmt: skip

    def access(self, text: str):
        return self.tokens.access_of(f"Bearer {text}", own_catalogue())


async def _listen_for_ever(heard):
    while True:
        await heard.next()


def living(story):
    async def main():
        stand = TokenStand()
        async with stand.living():
            await asyncio.sleep(1)
            await story(stand)

    run_virtual(main())


def test_a_token_opens_what_its_scope_says_until_its_end():
    async def story(stand):
        text, _ = await stand.issue("read:Vehicle.Speed")
        assert stand.access(text).reads == {SPEED.number}
        assert stand.access(text) is stand.access(text)
        await asyncio.sleep(61)
        with pytest.raises(SignalTokenExpired):
            stand.access(text)

    living(story)


def test_a_token_that_was_taken_back_ends_what_stands_on_it():
    async def story(stand):
        text, token_id = await stand.issue("read")
        client = stand.signals.connect("client", stand.access(text))
        async with client.subscribe([SPEED.number]) as heard:
            await heard.next()
            await tokens.revoke(stand.records, token_id, stand.clock.now_us())
            with pytest.raises(SignalTokenRefused):
                await _listen_for_ever(heard)
        with pytest.raises(SignalTokenRefused, match="revoked"):
            stand.access(text)

    living(story)


def test_what_was_given_out_is_on_record_without_the_token():
    async def story(stand):
        text, token_id = await stand.issue("read:Vehicle.Speed")
        (row,) = await tokens.listed(stand.records)
        assert (row["token_id"], row["scope"]) == (token_id, "read:Vehicle.Speed")
        assert text not in repr(row)
        await asyncio.sleep(61)
        await stand.issue("read")
        assert [row["scope"] for row in await tokens.listed(stand.records)] == ["read"]

    living(story)


def test_a_car_gives_out_so_many_tokens_and_no_more():
    async def story(stand):
        for _ in range(2):
            await stand.issue(tokens_max=2)
            await asyncio.sleep(0.1)
        with pytest.raises(SignalClientsFull):
            await stand.issue(tokens_max=2)
        assert len(await tokens.listed(stand.records)) == 2

    living(story)


def test_nothing_but_a_bearer_token_of_this_car_opens_anything():
    async def story(stand):
        text, _ = await stand.issue()
        for wrong in ("", text, f"Basic {text}", "Bearer ", f"Bearer {text}x"):
            with pytest.raises(SignalTokenRefused):
                stand.tokens.access_of(wrong, own_catalogue())
        with pytest.raises(SignalTokenRefused):
            await stand.issue("fly")
        with pytest.raises(NotFound):
            await tokens.revoke(stand.records, "token_unknown", 0)

    living(story)
