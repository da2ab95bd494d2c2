"""What passes by itself: saying many things, of which some are too many."""

import pytest

from monocoque.contracts.errors import BusUnavailable, TooManyRequests
from monocoque.plumbing.insisting import say_each, say_waiting


async def test_who_is_refused_is_told_nothing_further_and_the_others_are_told_everything():
    said = []

    async def say(word: str) -> None:
        if word == "a2":
            raise TooManyRequests("Too many.")
        said.append(word)

    held = await say_each(["a1", "b1", "a2", "b2", "a3", "b3"], lambda word: word[0], say)
    assert said == ["a1", "b1", "b2", "b3"]
    assert {name: refusal.code for name, refusal in held.items()} == {"a": "too_many_requests"}


async def test_what_concerns_everybody_ends_the_saying():
    said = []

    async def say(word: str) -> None:
        said.append(word)
        raise BusUnavailable("It is away.")

    with pytest.raises(BusUnavailable):
        await say_each(["a", "b"], str, say)
    assert said == ["a"]


async def test_a_batch_of_what_is_refused_keeps_nothing_behind_it_waiting():
    waiting, said = ["a1", "a2", "a3", "b1", "c1", "a4", "b2"], []

    async def oldest(but_of):
        return [word for word in waiting if word[0] not in but_of][:3]

    async def say(word: str) -> None:
        if word[0] == "a":
            raise TooManyRequests("Too many.")
        waiting.remove(word)
        said.append(word)

    with pytest.raises(TooManyRequests):
        await say_waiting(oldest, lambda word: word[0], say)
    assert (said, waiting) == (["b1", "c1", "b2"], ["a1", "a2", "a3", "a4"])
