"""The commands for who writes apps: ``monocoque app ...``.

Rules: what a command needs is imported when it runs, so that the others start quickly.
"""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Make an app for cars.")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Of the app and its folder, such as night-light.")],
    into: Annotated[Path, typer.Option(help="Where the folder goes.")] = Path(),
) -> None:
    """Make a folder with an app that runs, and a test of it."""
    from monocoque.cli.apps_making import make_folder

    make_folder(name, into)


@app.command()
def package(
    folder: Annotated[Path, typer.Argument(help="The folder with app.py.")],
    key: Annotated[
        Path, typer.Option(help="The publisher's private key; made when the file is not there.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The package.", show_default="NAME-VERSION.app"),
    ] = None,
) -> None:
    """Pack the app of a folder into one signed file."""
    from monocoque.cli.apps_making import make_package

    make_package(folder, key, out)
