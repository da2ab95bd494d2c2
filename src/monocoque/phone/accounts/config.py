"""The limits of accounts."""

from dataclasses import dataclass

HOUR_S = 3_600
DAY_S = 24 * HOUR_S


@dataclass(frozen=True)
class AccountsConfig:
    """Every limit has its unit in its name."""

    link_lifetime_s: int = DAY_S
    """How long a sign-in link may be used; the first start prints one for each site."""
    links_per_person_max: int = 10
    """Unused links of one person on one site; the oldest gives way."""
    session_lifetime_s: int = 30 * DAY_S
    """A session ends after this time, whatever happens."""
    session_idle_s: int = 7 * DAY_S
    """A session ends when nobody used it for so long."""
    session_touch_s: int = 300
    """The use of a session is put on record this often at most."""
    sessions_per_person_max: int = 20
    """Browsers signed in at once on one site; the one longest unused gives way."""
    passkeys_per_person_max: int = 10
    """Passkeys of one person on one host; one more is refused."""
    challenge_lifetime_s: int = 300
    """How long the challenge for a passkey may be answered."""
    challenges_per_person_max: int = 5
    """Unanswered challenges of who adds a passkey; the oldest gives way."""
    challenges_open_max: int = 1_000
    """Unanswered challenges of all who sign in with a passkey; the oldest gives way."""
