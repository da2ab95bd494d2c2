"""Chance in a world."""

from monocoque.sim.chance import chance


def test_the_same_seed_and_purpose_give_the_same_draws() -> None:
    assert chance(7, "network", "a").random() == chance(7, "network", "a").random()


def test_a_draw_more_in_one_place_shifts_nothing_elsewhere() -> None:
    one, other = chance(7, "one"), chance(7, "other")
    for _ in range(1_000):
        one.random()
    assert other.random() == chance(7, "other").random()


def test_seeds_and_purposes_are_kept_apart() -> None:
    draws = [
        chance(7).random(),
        chance(8).random(),
        chance(7, "ab", "c").random(),
        chance(7, "a", "bc").random(),
        chance(7, "abc").random(),
        chance(7, "ab", "c", "").random(),
    ]
    assert len(set(draws)) == len(draws)


def test_a_draw_is_the_same_on_every_machine_and_version() -> None:
    assert chance(7, "network").getrandbits(64) == 9672769166298594315
