"""What ``monocoque home assistant`` does: a home's assistant is let in, and turned out.

Rules: the password is printed once, to standard output, and kept nowhere.
"""

import asyncio
import json
from pathlib import Path

import typer

from monocoque.cli.settings import read_settings
from monocoque.contracts.identifiers import HomeId
from monocoque.contracts.topics import TOPICS
from monocoque.home.assistant.logic import Discovery
from monocoque.plumbing.bus.config import NatsServerConfig
from monocoque.plumbing.bus.nats_credentials import NatsAuthority
from monocoque.plumbing.keystore.files import FileKeyStore
from monocoque.roles.assistants import AssistantLogin, give_place, take_place
from monocoque.roles.clock import clock_of
from monocoque.roles.layout import Layout


def print_lines(data: Path, home_id: HomeId, discovery: str) -> None:
    """For people: what to type, and where."""
    login = _let_in(data, home_id, discovery)
    for name, value in _said(login).items():
        typer.echo(f"{name:9} {value}")


def print_json(data: Path, home_id: HomeId, discovery: str) -> None:
    """For programs."""
    typer.echo(json.dumps(_said(_let_in(data, home_id, discovery))))


def revoke(data: Path, home_id: HomeId) -> None:
    """Turn the assistant out."""
    layout = Layout(data)
    authority, limits = _authority(layout)
    asyncio.run(take_place(layout, home_id, authority, limits))
    typer.echo(f"The assistant of {home_id} is turned out.")


def _let_in(data: Path, home_id: HomeId, discovery: str) -> AssistantLogin:
    layout = Layout(data)
    authority, limits = _authority(layout)
    return asyncio.run(give_place(layout, home_id, authority, Discovery(discovery), limits))


def _authority(layout: Layout) -> tuple[NatsAuthority, NatsServerConfig]:
    limits: NatsServerConfig = read_settings(layout.settings)[0][NatsServerConfig]
    keystore = FileKeyStore(layout.secrets)
    return NatsAuthority(keystore, clock_of(layout), TOPICS, limits), limits


def _said(login: AssistantLogin) -> dict[str, str | int]:
    return {
        "host": login.host,
        "port": login.port,
        "user": login.user,
        "password": login.password,
    }
