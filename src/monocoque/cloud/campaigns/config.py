"""Limits of campaigns and of the director."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CampaignsConfig:
    """How manifests are taken, how long directions count, and how campaigns are looked after."""

    flush_interval_s: float = 0.02
    """Manifests within this time are taken together."""
    manifests_batch: int = 200
    """How many manifests are taken in one transaction."""
    heard_cars_max: int = 200_000
    """Cars whose manifest may wait to be taken; a car beyond that is heard when it polls again."""
    keys_remembered_max: int = 50_000
    """Cars whose public key is kept in memory, to check their manifests."""
    directed_batch_cars: int = 100
    """How many cars are told what to install, or not to, in one transaction."""
    send_batch_cars: int = 200
    """How many cars' directions are put on the bus at once."""
    look_s: float = 30.0
    """How often it is looked for something to do, at least; what is known to be due, or was
    changed, is looked at in its time."""
    look_s_min: float = 0.05
    """And at most; news within this time are dealt with together."""
    retry_s: float = 0.5
    """Pause after bus or records were away."""

    targets_life_days: int = 90
    """How long a car's targets and snapshot count; after half of it they are signed anew."""
    timestamp_life_hours: int = 24
    """How long a car's timestamp counts; each poll brings a fresh one."""

    waves_max: int = 20
    """Waves of one campaign."""
    soak_s: int = 86_400
    """How long a wave waits for cars that are not settled, when nothing else is said."""
    silent_s: int = 86_400
    """How long a car that began to install may say nothing before it has failed, when nothing else
    is said."""
    shown_campaigns_max: int = 100
    """How many campaigns a page is shown, the newest first."""
    shown_cars_max: int = 500
    """How many cars a page is shown at once."""
    tick_interval_s: float = 5.0
    """How often a live page is told the time, so that it knows that it is still connected."""
