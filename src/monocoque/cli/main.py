"""The commands. The only place, with its neighbours here, that reads environment and arguments.

Rules: a failure is printed as what happened and what to do now, and ends with status 1; results go
to standard output, progress and logs to standard error.
"""

import contextlib
import dataclasses
import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from monocoque import __version__
from monocoque.cli.app import app as app_commands
from monocoque.cli.arguments import Data, Dbc, Lenient, Mapping
from monocoque.cli.campaign import app as campaign_commands
from monocoque.cli.car import app as car_commands
from monocoque.cli.home import app as home_commands
from monocoque.cli.release import app as release_commands
from monocoque.cli.setting_checks import CARS_MAX, HOMES_MAX, PORT_MAX
from monocoque.contracts.errors import (
    MonocoqueError,
    SettingInvalid,
    SiteUnknown,
)
from monocoque.contracts.identifiers import car_id
from monocoque.contracts.rights import Site

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(car_commands, name="car")
app.add_typer(app_commands, name="app")
app.add_typer(release_commands, name="release")
app.add_typer(campaign_commands, name="campaign")
app.add_typer(home_commands, name="home")

Cars = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=CARS_MAX,
        help="How many virtual cars: what is missing is ordered, built and run; with 0 neither "
        "cars nor a factory run here.",
        show_default="the setting `cars`",
    ),
]
Homes = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=HOMES_MAX,
        help="How many homes: what is missing is made; without cars none run here.",
        show_default="the setting `homes`",
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        min=0, max=PORT_MAX, help="The HTTP port; 0 for any.", show_default="the setting `port`"
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without", help="A part of the cell that another process runs: http or registry; repeat."
    ),
]
Vss = Annotated[
    Path | None,
    typer.Option(
        "--vss",
        help="For the roles car and cars: a VSS export (JSON) with the signals that they have.",
        show_default="the product's own catalogue",
    ),
]
BrokerAddress = Annotated[
    str,
    typer.Option(
        help="For the role car: grpc://HOST:PORT of a broker (kuksa.val.v2) that has its signals.",
        show_default="one in its own process",
    ),
]
BrokerToken = Annotated[
    Path | None, typer.Option(help="A file with the token for that broker.", show_default="none")
]
CanChannel = Annotated[
    str,
    typer.Option(
        "--can",
        metavar="[KIND:]CHANNEL",
        help="For the role car: the bus of the vehicle, such as can0, socketcan:can0 or "
        "udp_multicast:239.74.163.2; its signals come from there and go there.",
        show_default="the virtual body alone",
    ),
]
OPTIONS_OF_ROLES = {
    "cell": {"--cars", "--homes", "--port", "--without"},
    "cars": {"--cars", "--until-input-ends", "--vss", "--when-told"},
    "car": {
        "--broker",
        "--broker-token",
        "--can",
        "--car",
        "--dbc",
        "--lenient",
        "--map",
        "--until-input-ends",
        "--vss",
    },
    "factory": set[str](),
    "http": {"--port"},
    **{
        part: set[str]()
        for part in ("registry", "pairing", "twin", "commands", "campaigns", "homes")
    },
}
"""What `monocoque run` takes beside ``--data``, for each role."""
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"monocoque {__version__}")
        raise typer.Exit


@app.callback()
def monocoque(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """One shell for a software-defined car, its phone, home, services, updates and shop."""


@app.command()
def up(
    data: Data,
    cars: Cars = None,
    homes: Homes = None,
    port: Port = None,
    without: Without = None,
) -> None:
    """Start a whole installation: the bus, the cell with its pages, virtual cars and a home."""
    with _start_on(data):
        _start_cell(data, port, cars, homes, without)


def _start_on(data: Path) -> contextlib.AbstractContextManager[None]:
    """A block in which something starts on this data directory, or is refused to."""
    from monocoque.roles.layout import Layout
    from monocoque.roles.refused_starts import leaving_refusals

    return leaving_refusals(Layout(data))


def _start_cell(
    data: Path,
    port: int | None,
    cars: int | None,
    homes: int | None,
    without: list[str] | None,
) -> None:
    from monocoque.cli.starting import start_cell

    start_cell(data, port, cars, homes, frozenset(without or ()))


@app.command()
def run(
    context: typer.Context,
    role: Annotated[
        str, typer.Argument(help="cell, cars, car, factory, http, or a service of the cell.")
    ],
    data: Data,
    cars: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=CARS_MAX,
            help="How many virtual cars, for the role cell as for up, for the role cars at most; "
            "none if not given.",
        ),
    ] = None,
    homes: Homes = None,
    port: Port = None,
    car: Annotated[str, typer.Option(help="Which car, for the role car; a new one if none.")] = "",
    until_input_ends: Annotated[
        bool, typer.Option("--until-input-ends", help="Stop when standard input closes.")
    ] = False,
    when_told: Annotated[
        bool,
        typer.Option(
            "--when-told", help="For the role cars: begin when a line comes on standard input."
        ),
    ] = False,
    without: Without = None,
    vss: Vss = None,
    broker: BrokerAddress = "",
    broker_token: BrokerToken = None,
    can: CanChannel = "",
    dbc: Dbc = None,
    mapping: Mapping = None,
    lenient: Lenient = False,
) -> None:
    """Run one role in a process of its own, beside a cell on the same data directory."""
    _refuse_options_of_others(role, _given_options(context))
    with _start_on(data):
        match role:
            case "cell":
                _start_cell(data, port, cars or 0, homes, without)
            case "cars":
                from monocoque.cli.starting_cars import start_cars

                start_cars(
                    data, cars or 0, vss, when_told=when_told, ends_with_input=until_input_ends
                )
            case "car":
                from monocoque.cli.starting_cars import outside_of, start_car
                from monocoque.cli.vehicle_bus import words_of

                chosen = car_id(car) if car else None
                outside = outside_of(broker, broker_token)
                bus = words_of(can, dbc, mapping, broker, is_lenient=lenient)
                start_car(data, chosen, vss, outside, bus, ends_with_input=until_input_ends)
            case "factory":
                from monocoque.cli.starting_cars import start_factory

                start_factory(data)
            case _:
                from monocoque.cli.starting_part import start_part

                start_part(data, role, port)


def _given_options(context: typer.Context) -> set[str]:
    """The options that were typed, but for ``--data``, which every role takes."""
    sources = {
        parameter.opts[0]: context.get_parameter_source(str(parameter.name))
        for parameter in context.command.params
    }
    typed = {name for name, source in sources.items() if source and source.name == "COMMANDLINE"}
    return typed - {"role", "--data"}


def _refuse_options_of_others(role: str, given: set[str]) -> None:
    """A role that nobody knows is refused where it is looked up."""
    foreign = given - OPTIONS_OF_ROLES.get(role, given)
    if foreign:
        taken = ", ".join(sorted(OPTIONS_OF_ROLES[role])) or "none beside --data"
        raise SettingInvalid(
            f"The role {role} has no option {min(foreign)}.",
            hint=f"Leave it out; options of {role}: {taken}.",
        )


@app.command("sign-in")
def sign_in(
    site: Annotated[str, typer.Argument(help="shop, phone or console.")],
    data: Data,
) -> None:
    """Print a new one-time link for a site of the running installation."""
    from monocoque.cli.sign_in import print_sign_in_link

    if site not in {each.value for each in Site}:
        raise SiteUnknown("There is no such site.", hint="Say shop, phone or console.")
    print_sign_in_link(data, Site(site))


@app.command()
def doctor(context: typer.Context, data: Data, port: Port = None, as_json: AsJson = False) -> None:
    """Say what is wrong and how to mend it, and where each setting came from."""
    from monocoque.cli.doctor import examine
    from monocoque.cli.settings import list_settings

    findings = list(examine(data, port, __version__))
    settings = []
    with contextlib.suppress(MonocoqueError):  # then it is among the findings
        source = context.get_parameter_source("data")
        settings = list_settings(data, source.name if source else "", port)
    if as_json:
        found = [
            {
                "what": finding.what,
                "detail": finding.detail,
                "code": finding.error.code if finding.error else None,
                "hint": finding.error.hint if finding.error else None,
            }
            for finding in findings
        ]
        rows = [dataclasses.asdict(setting) for setting in settings]
        typer.echo(json.dumps({"findings": found, "settings": rows}))
    else:
        _print_findings(findings, settings)
    if any(finding.error for finding in findings):
        raise typer.Exit(1)


@app.command()
def world(
    cars: Annotated[int, typer.Option(min=0, max=CARS_MAX, help="How many people buy a car.")] = 3,
    hours: Annotated[float, typer.Option(min=0.01, help="Virtual hours.")] = 1.0,
    days: Annotated[
        float | None, typer.Option(min=0.001, help="Virtual days, instead of hours.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same world.")] = 7,
    faults: Annotated[bool, typer.Option("--faults", help="Networks fail, power cuts.")] = False,
    sabotage: Annotated[
        str, typer.Option(help="Break the product: the name of what shall not hold.")
    ] = "",
    page: Annotated[
        Path | None, typer.Option(help="Where the page with plots goes; world.html without --json.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let people buy, drive and command cars on virtual time, and say what happened."""
    from monocoque.plumbing.files import storage_errors
    from monocoque.sim.faults import Faults
    from monocoque.sim.page import page_of
    from monocoque.sim.report import figures
    from monocoque.sim.sabotage import find_sabotage
    from monocoque.sim.world import run_world

    broken = find_sabotage(sabotage)
    if days is not None:
        hours = days * 24.0
    about = f"{cars} cars for {hours:g} h of virtual time"
    with Console(stderr=True).status(about) as status:

        def progress(over_hours: float) -> None:
            status.update(f"{about}: {over_hours:.1f} h are over")

        chosen = Faults.usual() if faults else Faults.none()
        report = run_world(cars, hours, seed, chosen, progress, broken)
    _print_figures(figures(report), as_json=as_json)
    if page is not None or not as_json:
        where = page or Path("world.html")
        with storage_errors(where):
            where.write_text(page_of(report), encoding="utf-8")
        typer.echo(f"The plots are in {where}.", err=True)
    if report.violations:
        raise typer.Exit(1)


@app.command()
def bench(
    name: Annotated[
        str, typer.Argument(help="up, bus, body, can, command, shop, home, signals or story.")
    ],
    as_json: AsJson = False,
) -> None:
    """Measure this machine; needs the source, since benchmarks are not in the package."""
    figures = _measure(name)(lambda what: typer.echo(what, err=True))
    _print_figures(figures, as_json=as_json)


def _measure(name: str) -> Callable[[Callable[[str], None]], dict[str, Any]]:
    folder = Path(__file__).parents[3] / "bench"
    names = sorted(path.stem for path in folder.glob("[a-z]*.py"))
    if name not in names:
        raise SettingInvalid(
            f"There is no benchmark {name}.",
            hint=f"Say one of: {', '.join(names)}." if names else "Run it in the source folder.",
        )
    sys.path.insert(0, str(folder.parent))
    module = importlib.import_module(f"bench.{name}")
    measure: Callable[[Callable[[str], None]], dict[str, Any]] = module.measure
    return measure


def _print_figures(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(figures, default=str))
        return
    table = Table("figure", "value")
    for key, value in figures.items():
        table.add_row(key, str(value))
    Console().print(table)


def _print_findings(findings: list[Any], settings: list[Any]) -> None:
    console = Console()
    table = Table("looked at", "", "found", "to mend it")
    for finding in findings:
        mark = "[red]wrong[/red]" if finding.error else "[green]well[/green]"
        table.add_row(
            finding.what, mark, finding.detail, finding.error.hint if finding.error else ""
        )
    console.print(table)
    values = Table("setting", "value", "from")
    for setting in settings:
        values.add_row(setting.name, str(setting.value), setting.source)
    console.print(values)


def run_command(command: Callable[[], object]) -> int:
    """Run it and return its exit status: errors of ours are two lines each and status 1.

    A group of errors is taken apart; one with a defect in it is raised whole, with its traceback.
    """
    try:
        command()
    except MonocoqueError as error:
        _print_errors([error])
        return 1
    except ExceptionGroup as group:
        # Imported here: only what ran a machine ends with a group, and has loaded it already.
        from monocoque.roles.supervisor import leaves

        errors = [leaf for leaf in leaves(group) if isinstance(leaf, MonocoqueError)]
        if len(errors) < len(leaves(group)):
            raise
        _print_errors(errors)
        return 1
    return 0


def _print_errors(errors: list[MonocoqueError]) -> None:
    # Two parts of a cell may have failed of the same thing.
    for said in dict.fromkeys(f"{error.what}\n{error.hint}" for error in errors):
        typer.echo(said, err=True)


def main() -> NoReturn:
    """The entry point."""
    sys.exit(run_command(app))


if __name__ == "__main__":
    main()
