"""Campaigns: the director of updates. It says to each car what to install, in waves, until enough.

Rules:

* a car is told to install what both companies signed, and what a running campaign brings it; the
  car checks both for itself, and asks its owner;
* directions are signed and on record before they are said (Uptane 2.1.0, 5.3.2);
* when more cars of a wave fail than may, the campaign halts by itself; who has not begun is called
  back; to go on takes a person;
* a car is in one campaign that goes on at most;
* what a car says wrongly costs that car alone.

Left out on purpose: images and who signed them (the image repository's), and consent (the car's).
"""

import asyncio

from monocoque.cloud.campaigns.config import CampaignsConfig
from monocoque.cloud.campaigns.service.conducting import Conductor
from monocoque.cloud.campaigns.service.directing import (
    Director,
    lifetimes_of,
    read_director_keys,
)
from monocoque.cloud.campaigns.service.keeping import Changes
from monocoque.cloud.campaigns.service.releases import Releases
from monocoque.cloud.campaigns.service.reports import Reports
from monocoque.cloud.campaigns.service.sending import Sending
from monocoque.plumbing.documents.port import Documents
from monocoque.plumbing.service import Context


async def run(context: Context) -> None:
    """Direct the cars until cancelled; raises CredentialsRefused where there are no keys."""
    config = context.config(CampaignsConfig)
    director = Director(read_director_keys(context.keystore), lifetimes_of(config))
    releases = Releases(context.records, context.port(Documents), context.keystore)
    sending = Sending(context)
    conductor = Conductor(context, director, releases, sending.note)

    def note(changes: Changes) -> None:
        sending.note(changes)
        if changes.cars:
            conductor.wake()

    reports = Reports(context, director, releases, note)
    async with asyncio.TaskGroup() as group:
        group.create_task(reports.hear())
        group.create_task(reports.take())
        group.create_task(conductor.hear_changes())
        group.create_task(conductor.conduct())
        group.create_task(sending.send())
        group.create_task(sending.tell())
