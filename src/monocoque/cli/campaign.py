"""The commands about campaigns: ``monocoque campaign ...``.

Rules: what a command needs is imported when it runs, so that the others start quickly.
"""

from pathlib import Path
from typing import Annotated

import typer

from monocoque.cli.typed import default_data
from monocoque.contracts.errors import SettingInvalid
from monocoque.contracts.identifiers import car_id as parse_car_id
from monocoque.contracts.identifiers import parse

app = typer.Typer(no_args_is_help=True, help="Bring releases to cars, in waves.")

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
CampaignArgument = Annotated[
    str,
    typer.Argument(metavar="CAMPAIGN_ID", help="Which; the newest that is not finished if none."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
WAVE_CARS_MAX = 100_000_000


@app.command()
def start(
    release: Annotated[int, typer.Argument(metavar="NUMBER", min=1, help="Which release.")],
    data: Data,
    car: Annotated[
        list[str] | None,
        typer.Option("--car", metavar="CAR_ID", help="A car; repeat. Every car if none is named."),
    ] = None,
    waves: Annotated[
        str, typer.Option(help="How many cars each wave has, such as 1,2; the rest is one more.")
    ] = "1",
    failures: Annotated[
        int, typer.Option(min=0, help="How many cars of one wave may fail before it halts.")
    ] = 0,
    soak_s: Annotated[
        int | None,
        typer.Option(
            "--soak-s",
            min=1,
            help="How long the next wave waits for cars that are not done yet.",
            show_default="the setting `campaigns.soak_s`",
        ),
    ] = None,
    silent_s: Annotated[
        int | None,
        typer.Option(
            "--silent-s",
            min=1,
            help="How long a car that began to install may say nothing before it has failed.",
            show_default="the setting `campaigns.silent_s`",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Start a campaign: a release, for these cars, in waves."""
    from monocoque.cli import campaigns

    cars = None if car is None else [parse_car_id(each) for each in car]
    wanted = campaigns.Start(release, cars, _sizes(waves), failures, soak_s, silent_s)
    campaigns.start(data, wanted, as_json=as_json)


@app.command()
def pause(data: Data, campaign: CampaignArgument = "", as_json: AsJson = False) -> None:
    """Tell no further car to install; those that were told go on."""
    from monocoque.cli import campaigns

    campaigns.change(data, _checked(campaign), campaigns.Event.PAUSE, as_json=as_json)


@app.command()
def resume(
    data: Data,
    campaign: CampaignArgument = "",
    despite_failures: Annotated[
        bool, typer.Option("--despite-failures", help="Also one that was halted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let a campaign go on."""
    from monocoque.cli import campaigns

    resumed, despite = campaigns.Event.RESUME, campaigns.Event.RESUME_DESPITE_FAILURES
    event = despite if despite_failures else resumed
    campaigns.change(data, _checked(campaign), event, as_json=as_json)


@app.command()
def halt(data: Data, campaign: CampaignArgument = "", as_json: AsJson = False) -> None:
    """Stop a campaign, and call back every car that has not begun to install."""
    from monocoque.cli import campaigns

    campaigns.change(data, _checked(campaign), campaigns.Event.HALT, as_json=as_json)


@app.command("list")
def show(data: Data, as_json: AsJson = False) -> None:
    """Print the campaigns, the newest first, and what needs a person."""
    from monocoque.cli import campaigns

    campaigns.show(data, as_json=as_json)


def _checked(campaign: str) -> str:
    return parse(campaign, "campaign") if campaign else ""


def _sizes(text: str) -> list[int]:
    sizes = [int(each) if each.strip().isdecimal() else 0 for each in text.split(",")]
    if not all(0 < size <= WAVE_CARS_MAX for size in sizes):
        raise SettingInvalid(
            "The sizes of the waves are not whole numbers from 1 on.", hint="Say --waves 1,2."
        )
    return sizes
