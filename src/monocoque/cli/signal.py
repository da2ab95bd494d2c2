"""The commands about a car's signals: ``monocoque car signals ...``.

Rules: what a command needs is imported when it runs, so that the others start quickly.
"""

from typing import Annotated

import typer

from monocoque.cli.arguments import CarArgument, Data
from monocoque.contracts.identifiers import car_id as parse_car_id

app = typer.Typer(no_args_is_help=True, help="List, read, watch and set the signals of a car.")

Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH...", help="Signals, branches, or patterns with * for one level."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_signals(
    pattern: Annotated[
        str, typer.Argument(metavar="[PATH]", help="A branch or pattern; everything if none.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show the catalogue: path, type, unit, range and meaning of each signal."""
    from monocoque.cli.signals import print_catalogue

    print_catalogue(pattern, as_json=as_json)


@app.command()
def get(car_id: CarArgument, paths: Paths, data: Data, as_json: AsJson = False) -> None:
    """Read signals of a car that runs, with their time and how fresh they are."""
    from monocoque.cli.signals import print_readings

    print_readings(data, parse_car_id(car_id), paths, as_json=as_json)


@app.command("set")
def set_signal(
    car_id: CarArgument,
    path: Annotated[str, typer.Argument(help="An actuator.")],
    value: Annotated[str, typer.Argument(help="As the signal has it: true, 21, 80.5, a word.")],
    data: Data,
    timeout_s: Annotated[
        float, typer.Option("--timeout", min=0.1, max=600.0, help="Seconds that it may take.")
    ] = 30.0,
) -> None:
    """Ask an actuator for a value, and say what came of it; the guard may refuse."""
    from monocoque.cli.signals import set_and_tell

    set_and_tell(data, parse_car_id(car_id), path, value, timeout_s)


@app.command()
def watch(
    car_id: CarArgument,
    paths: Paths,
    data: Data,
    count: Annotated[int, typer.Option(min=0, help="End after so many messages; 0 for never.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Show signals as they change: a live table, or a line each with --json."""
    from monocoque.cli.signals import watch_signals

    watch_signals(data, parse_car_id(car_id), paths, count, as_json=as_json)
