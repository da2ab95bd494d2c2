"""The commands about one car: ``monocoque car ...``.

Rules: what a command needs is imported when it runs, so that the others start quickly.
"""

from pathlib import Path
from typing import Annotated

import typer

from monocoque.cli.apps import app as apps_commands
from monocoque.cli.arguments import CarArgument, Data, Dbc, Lenient, Mapping
from monocoque.cli.signal import app as signal_commands
from monocoque.cli.token import app as token_commands
from monocoque.contracts.identifiers import car_id as parse_car_id

app = typer.Typer(no_args_is_help=True, help="Do something with one car of this installation.")
app.add_typer(apps_commands, name="apps")

app.add_typer(signal_commands, name="signals")
app.add_typer(token_commands, name="token")


@app.command("hand-over")
def hand_over(car_id: CarArgument, data: Data) -> None:
    """Print the link by which the first owner takes a car over; it goes with the car on paper."""
    from monocoque.cli.hand_over import print_hand_over_link

    print_hand_over_link(data, parse_car_id(car_id))


@app.command()
def drive(
    car_id: CarArgument,
    data: Data,
    route: Annotated[
        Path | None,
        typer.Option(
            help="A GPX file, or GeoJSON with a LineString: drive along it, and park at its end.",
            show_default="a loop of some minutes",
        ),
    ] = None,
) -> None:
    """Let a virtual car drive off; it parks by itself."""
    from monocoque.cli import wheel

    wheel.drive(data, parse_car_id(car_id), route)


@app.command()
def park(
    car_id: CarArgument,
    data: Data,
    ac_kw: Annotated[
        float | None,
        typer.Option(help="Plug it into an outlet that gives so much.", show_default="11"),
    ] = None,
    dc_kw: Annotated[
        float | None,
        typer.Option(help="Plug it into a fast charger that gives so much.", show_default="none"),
    ] = None,
) -> None:
    """Let a virtual car brake and park; one that stands is plugged in."""
    from monocoque.cli import wheel

    wheel.park(data, parse_car_id(car_id), wheel.station_of(ac_kw, dc_kw))


@app.command()
def replay(
    context: typer.Context,
    log: Annotated[Path, typer.Argument(help="A log of a vehicle bus: .log, .asc, .blf or .mf4.")],
    data: Data,
    dbc: Dbc = None,
    mapping: Mapping = None,
    speed: Annotated[
        str,
        typer.Option(
            help="1x for the pace of the recording, 10x, max.",
            show_default="max; into a car that runs, 1x",
        ),
    ] = "",
    vss: Annotated[
        Path | None,
        typer.Option(
            help="A VSS export (JSON) with the signals.", show_default="the product's own catalogue"
        ),
    ] = None,
    car: Annotated[
        str,
        typer.Option(
            metavar="CAR_ID",
            help="A car that runs: it has the signals that nobody else says in it.",
            show_default="none",
        ),
    ] = "",
    lenient: Lenient = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show a log of a vehicle bus as signals, or tell it a car that runs: docs/guide/can.md."""
    from monocoque.cli.replay import Asked, replay_log
    from monocoque.contracts.errors import SettingInvalid

    source = context.get_parameter_source("data")
    if not car and source is not None and source.name == "COMMANDLINE":
        raise SettingInvalid(
            "A data directory is named, and no car that runs there.",
            hint="Say which with --car, or leave out --data.",
        )
    asked = Asked(log, dbc, mapping, speed, vss, is_lenient=lenient, as_json=as_json)
    if not car:
        replay_log(asked)
        return
    from monocoque.cli.replay_into import replay_into_car

    replay_into_car(asked, data, parse_car_id(car))
