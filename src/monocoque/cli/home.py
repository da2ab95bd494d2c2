"""The commands about homes: ``monocoque home ...``.

Rules: what a command needs is imported when it runs, so that the others start quickly.
"""

import enum
from pathlib import Path
from typing import Annotated

import typer

from monocoque.cli.typed import default_data
from monocoque.contracts.identifiers import home_id as parse_home_id

app = typer.Typer(no_args_is_help=True, help="Do something with the homes of this installation.")

Data = Annotated[
    Path,
    typer.Option(
        "--data",
        help="The data directory; the user's own data folder if not given.",
        envvar="MONOCOQUE_DATA",
        default_factory=default_data,
        show_default=False,
    ),
]


class Form(enum.StrEnum):
    """How Home Assistant is told of cars; see home/assistant/logic.py."""

    DEVICE = "device"
    ENTITIES = "entities"


HomeArgument = Annotated[str, typer.Argument(metavar="HOME_ID", help="Which home.")]


@app.command()
def add(data: Data) -> None:
    """Make one more home, and print its identifier and the link by which its owner takes it."""
    from monocoque.cli.homes import add_home

    add_home(data)


@app.command("list")
def list_homes(
    data: Data,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show every home: whether it is taken, how many cars belong to it, when it was last heard."""
    from monocoque.cli import homes

    if as_json:
        homes.print_json(data)
    else:
        homes.print_table(data)


@app.command()
def code(home_id: HomeArgument, data: Data) -> None:
    """Print a new link by which a home that belongs to nobody is taken; an older one is void."""
    from monocoque.cli.homes import print_code

    print_code(data, parse_home_id(home_id))


@app.command()
def assistant(
    home_id: HomeArgument,
    data: Data,
    discovery: Annotated[
        Form,
        typer.Option(help="How Home Assistant is told: entities for a version before 2024.12."),
    ] = Form.DEVICE,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Take it back, and end what is connected.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print once what Home Assistant needs to see the cars of a home; an older one is void."""
    from monocoque.cli import assistants

    if revoke:
        assistants.revoke(data, parse_home_id(home_id))
    elif as_json:
        assistants.print_json(data, parse_home_id(home_id), discovery.value)
    else:
        assistants.print_lines(data, parse_home_id(home_id), discovery.value)
