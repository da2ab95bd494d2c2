"""The commands about releases: ``monocoque release ...``.

Rules: what a command needs is imported when it runs, so that the others start quickly.
"""

from pathlib import Path
from typing import Annotated

import typer

from monocoque.cli.typed import default_data

app = typer.Typer(no_args_is_help=True, help="Make, sign and publish releases for cars.")

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
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the release.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command()
def new(
    data: Data,
    version: Annotated[str, typer.Option(help="Three numbers, such as 1.2.0.")],
    notes: Annotated[
        Path,
        typer.Option(help="A folder with en.md, de.md and zh.md; each begins with `# Title`."),
    ],
    image: Annotated[
        list[str], typer.Option(metavar="HARDWARE=FILE", help="An image; repeat for each.")
    ],
    out: Annotated[Path, typer.Option(help="Where the release goes: a folder that is not there.")],
    minutes: Annotated[int, typer.Option(help="How long a car cannot be used.")] = 12,
    needs_charge_percent: Annotated[
        int, typer.Option(help="Less charge than this, and a car waits.")
    ] = 20,
    critical: Annotated[bool, typer.Option("--critical", help="Owners should not wait.")] = False,
) -> None:
    """Make a release out of images and notes, with the next number, for the companies to sign."""
    from monocoque.cli.releasing import Draft, make_release

    draft = Draft(version, notes, tuple(image), minutes, needs_charge_percent, critical)
    make_release(data, draft, out)


@app.command()
def sign(
    folder: Folder,
    data: Data,
    company: Annotated[str, typer.Option(help="Who signs: arden or lumio.")],
    keys: Annotated[
        Path | None,
        typer.Option(
            help="The company's folder of keys; the one that a first start made if not given.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check a release and sign it as one company, with its own key."""
    from monocoque.cli.releasing import sign_release

    sign_release(data, folder, company, keys)


@app.command()
def publish(folder: Folder, data: Data) -> None:
    """Publish a release that every company signed; cars see it from then on."""
    from monocoque.cli.releasing import publish_release

    publish_release(data, folder)


@app.command("list")
def list_releases(data: Data, as_json: AsJson = False) -> None:
    """Show which releases are published, and who signed for them."""
    from monocoque.cli.releasing import show_releases

    show_releases(data, as_json=as_json)
