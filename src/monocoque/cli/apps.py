"""The commands about the apps of one car: ``monocoque car apps ...``.

Rules: what a command needs is imported when it runs, so that the others start quickly.
"""

from pathlib import Path
from typing import Annotated

import typer

from monocoque.cli.arguments import CarArgument, Data
from monocoque.contracts.identifiers import car_id as parse_car_id

app = typer.Typer(no_args_is_help=True, help="Install, look at and remove apps of one car.")

AppArgument = Annotated[str, typer.Argument(metavar="APP", help="Which app, by its name.")]
KeyFile = Annotated[Path, typer.Argument(help="The publisher's public key, a JWK.")]


@app.command()
def trust(car_id: CarArgument, key_file: KeyFile, data: Data) -> None:
    """Let the car take apps of this publisher."""
    from monocoque.cli import apps_at_car

    apps_at_car.trust(data, parse_car_id(car_id), key_file)


@app.command()
def distrust(
    car_id: CarArgument,
    key_id: Annotated[str, typer.Argument(help="As `car apps list` shows it.")],
    data: Data,
) -> None:
    """Take no more apps of this publisher; those that are there do not start again."""
    from monocoque.cli import apps_at_car

    apps_at_car.distrust(data, parse_car_id(car_id), key_id)


@app.command()
def install(
    car_id: CarArgument,
    package: Annotated[Path, typer.Argument(help="What `monocoque app package` made.")],
    data: Data,
    publisher_key: Annotated[
        Path | None,
        typer.Option("--publisher-key", help="Trust this publisher first: a public key, a JWK."),
    ] = None,
) -> None:
    """Put an app into the car, or its next version; it runs at once, if the car does."""
    from monocoque.cli import apps_at_car

    apps_at_car.install(data, parse_car_id(car_id), package, publisher_key)


@app.command("list")
def list_apps(
    car_id: CarArgument,
    data: Data,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the apps of the car, how each is and why, and whom the car trusts."""
    from monocoque.cli import apps_at_car

    apps_at_car.show(data, parse_car_id(car_id), as_json=as_json)


@app.command()
def start(car_id: CarArgument, name: AppArgument, data: Data) -> None:
    """Start an app that was stopped or given up."""
    from monocoque.cli import apps_at_car

    apps_at_car.start(data, parse_car_id(car_id), name)


@app.command()
def stop(car_id: CarArgument, name: AppArgument, data: Data) -> None:
    """Stop an app until it is started."""
    from monocoque.cli import apps_at_car

    apps_at_car.stop(data, parse_car_id(car_id), name)


@app.command()
def remove(car_id: CarArgument, name: AppArgument, data: Data) -> None:
    """Take an app out of the car, with all that it kept."""
    from monocoque.cli import apps_at_car

    apps_at_car.remove(data, parse_car_id(car_id), name)


@app.command()
def logs(
    car_id: CarArgument,
    name: AppArgument,
    data: Data,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Print what an app wrote, with what the car says about it."""
    from monocoque.cli import apps_at_car

    apps_at_car.print_log(data, parse_car_id(car_id), name, follows=follow)
