"""Arguments that several commands take.

Rules: a command that takes what another takes, takes it by the same name and with the same words.
"""

from pathlib import Path
from typing import Annotated

import typer

from monocoque.cli.typed import default_data

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
CarArgument = Annotated[str, typer.Argument(metavar="CAR_ID", help="Which car.")]
Dbc = Annotated[
    Path | None,
    typer.Option(help="The database of the bus.", show_default="that of our own virtual car"),
]
Mapping = Annotated[
    Path | None,
    typer.Option(
        "--map", help="From the bus to signals.", show_default="that of our own virtual car"
    ),
]
Lenient = Annotated[bool, typer.Option("--lenient", help="Take a database whose messages overlap.")]
