"""The commands about one car: ``monocoque car ...``.

Rules: what a command needs is imported when it runs, so that the others start quickly.
"""

import typer

from monocoque.cli.arguments import CarArgument, Data
from monocoque.cli.signal import app as signal_commands
from monocoque.cli.token import app as token_commands
from monocoque.contracts.identifiers import car_id as parse_car_id

app = typer.Typer(no_args_is_help=True, help="Do something with one car of this installation.")

app.add_typer(signal_commands, name="signals")
app.add_typer(token_commands, name="token")


@app.command("hand-over")
def hand_over(car_id: CarArgument, data: Data) -> None:
    """Print the link by which the first owner takes a car over; it goes with the car on paper."""
    from monocoque.cli.hand_over import print_hand_over_link

    print_hand_over_link(data, parse_car_id(car_id))


@app.command()
def drive(car_id: CarArgument, data: Data) -> None:
    """Let a virtual car drive off; it parks by itself after some minutes."""
    from monocoque.cli import wheel

    wheel.drive(data, parse_car_id(car_id))


@app.command()
def park(car_id: CarArgument, data: Data) -> None:
    """Let a virtual car brake and park; one that stands is plugged in."""
    from monocoque.cli import wheel

    wheel.park(data, parse_car_id(car_id))
