"""The commands about tokens for a car's signals: ``monocoque car token ...``.

Rules: a token is printed once, to standard output, and is nowhere else; of another issuer, a car
takes what a person says here and no more.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from monocoque.cli.arguments import CarArgument, Data
from monocoque.contracts.identifiers import car_id as parse_car_id

app = typer.Typer(no_args_is_help=True, help="Give out and take back tokens for a car's signals.")

IssuerArgument = Annotated[
    str, typer.Argument(metavar="ISSUER", help="Its name, as its tokens say it (`iss`).")
]

HOUR_S = 3_600
HOURS_MAX = 366 * 24


@app.command()
def new(
    car_id: CarArgument,
    data: Data,
    scope: Annotated[
        str,
        typer.Option(
            help="Words with spaces between them: read, actuate, provide or create, each with "
            ":PATH or without; deny:ACTION:PATH takes away."
        ),
    ] = "read",
    name: Annotated[str, typer.Option(help="Whose it is.")] = "somebody",
    hours: Annotated[float, typer.Option(min=0.001, max=HOURS_MAX, help="How long it lives.")] = 1,
) -> None:
    """Print a new token; who bears it may do what its scope says, in this car alone."""
    from monocoque.cli.doorstep import give_token

    made = give_token(data, parse_car_id(car_id), name, scope, hours * HOUR_S)
    text, token_id = asyncio.run(made)
    typer.echo(text)
    typer.echo(f"This is {token_id}; `monocoque car token revoke` takes it back.", err=True)


@app.command("list")
def list_tokens(car_id: CarArgument, data: Data) -> None:
    """Show what was given out and has not ended; never a token itself."""
    from monocoque.car.tokens import service as tokens
    from monocoque.cli.car_records import records_of

    async def main() -> list[dict[str, object]]:
        async with records_of(data, parse_car_id(car_id)) as records:
            return await tokens.listed(records)

    table = Table(box=None)
    for column in ("token", "name", "scope", "ends", "state"):
        table.add_column(column, overflow="fold")
    for row in asyncio.run(main()):
        ends = datetime.fromtimestamp(int(str(row["expires_us"])) / 1e6, UTC)
        state = "" if row["revoked_us"] is None else "revoked"
        named = [str(row[column]) for column in ("token_id", "name", "scope")]
        table.add_row(*named, ends.strftime("%Y-%m-%d %H:%M:%SZ"), state)
    Console(width=200).print(table)


@app.command()
def revoke(
    car_id: CarArgument,
    token_id: Annotated[str, typer.Argument(metavar="TOKEN_ID", help="As `list` shows it.")],
    data: Data,
) -> None:
    """Take a token back; what stands on it ends within a second or two."""
    from monocoque.car.tokens import service as tokens
    from monocoque.cli.car_records import records_of
    from monocoque.roles.clock import clock_of
    from monocoque.roles.layout import Layout

    async def main() -> None:
        async with records_of(data, parse_car_id(car_id)) as records:
            await tokens.revoke(records, token_id, clock_of(Layout(data)).now_us())

    asyncio.run(main())
    typer.echo(f"{token_id} is revoked.")


@app.command()
def trust(
    car_id: CarArgument,
    issuer: IssuerArgument,
    key_file: Annotated[
        Path, typer.Argument(metavar="KEYFILE", help="Its public key: PEM, JWK or JWKS.")
    ],
    data: Data,
    scope: Annotated[
        str, typer.Option(help="The most that its tokens may give, in the words of a scope.")
    ] = "read",
    audience: Annotated[
        str,
        typer.Option(
            help="What its tokens say that they are for (`aud`); KUKSA's say kuksa.val.",
            show_default="the car's identifier",
        ),
    ] = "",
) -> None:
    """Let a car take the tokens of another issuer; doing it again brings other keys."""
    from random import SystemRandom

    from monocoque.car.tokens import service as tokens
    from monocoque.car.tokens.config import TokensConfig
    from monocoque.cli.car_records import records_of
    from monocoque.cli.settings import read_settings
    from monocoque.roles.clock import clock_of
    from monocoque.roles.layout import Layout

    car = parse_car_id(car_id)
    keys = _read(key_file)
    layout = Layout(data)
    config: TokensConfig = read_settings(layout.settings)[0][TokensConfig]

    async def main() -> int:
        async with records_of(data, car) as records:
            now_us = clock_of(layout).now_us()
            made = await tokens.trust(
                records,
                car,
                issuer,
                audience or car,
                scope,
                keys,
                now_us,
                SystemRandom(),
                config.issuers_max,
            )
            return len(made.keys)

    count = asyncio.run(main())
    typer.echo(f"{car} takes tokens of {issuer} by {count} key{'s' * (count > 1)}.")


@app.command()
def distrust(car_id: CarArgument, issuer: IssuerArgument, data: Data) -> None:
    """Take no more tokens of an issuer; what stands on one ends within a second or two."""
    from monocoque.car.tokens import service as tokens
    from monocoque.cli.car_records import records_of

    async def main() -> None:
        async with records_of(data, parse_car_id(car_id)) as records:
            await tokens.distrust(records, issuer)

    asyncio.run(main())
    typer.echo(f"{car_id} takes no more tokens of {issuer}.")


@app.command()
def issuers(car_id: CarArgument, data: Data) -> None:
    """Show whose tokens a car takes beside its own, and how far."""
    from monocoque.car.tokens import service as tokens
    from monocoque.cli.car_records import records_of
    from monocoque.trust.signal_tokens import Issuer, scope_text

    async def main() -> list[Issuer]:
        async with records_of(data, parse_car_id(car_id)) as records:
            return await tokens.trusted(records)

    table = Table(box=None)
    for column in ("issuer", "audience", "at most", "keys"):
        table.add_column(column, overflow="fold")
    for each in asyncio.run(main()):
        kinds = " ".join(key.get("crv", key["kty"]) for key in each.keys)
        table.add_row(each.name, each.audience, scope_text(each.scopes), kinds)
    Console(width=200).print(table)


def _read(key_file: Path) -> bytes:
    from monocoque.contracts.errors import NotFound
    from monocoque.plumbing.files import storage_errors
    from monocoque.trust.issuer_keys import FILE_BYTES_MAX

    with storage_errors(key_file):
        try:
            with key_file.open("rb") as file:
                return file.read(FILE_BYTES_MAX + 1)
        except FileNotFoundError:
            raise NotFound(
                f"There is no file {key_file}.", hint="Name a file with the issuer's public key."
            ) from None
