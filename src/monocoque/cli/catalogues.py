"""Somebody's own signals, as a file that a command is given.

Rules: what cannot be used is named on standard error, and the rest is taken.
"""

from pathlib import Path

import typer

from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.car.signals.logic.vss import read_vss
from monocoque.contracts.errors import SettingInvalid


def catalogue_of(vss: Path) -> Catalogue:
    """The signals of a VSS export; what cannot be used is named on standard error.

    Raises CatalogueMalformed and SettingInvalid.
    """
    try:
        data = vss.read_bytes()
    except OSError as error:
        raise SettingInvalid(
            f"{vss} cannot be read: {error.strerror}.", hint="Name a file with --vss."
        ) from error
    catalogue, unusable = read_vss(data)
    for each in unusable:
        typer.echo(f"left out: {each.path} {each.reason}", err=True)
    return catalogue
