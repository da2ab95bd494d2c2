"""Reads the catalogues that come with the package, and makes an engine of each.

Left out on purpose: every decision; logic/ has those.
"""

import tomllib
from importlib.resources import files

from monocoque.contracts.errors import CatalogueMalformed
from monocoque.shop.configurator.logic.catalogue import Catalogue, read_catalogue
from monocoque.shop.configurator.logic.engine import Engine

CURRENT = "arden_7"
"""The file of the catalogue by which the shop sells now."""


def load_catalogue(name: str = CURRENT) -> Catalogue:
    """One catalogue of the package; raises CatalogueMalformed."""
    file = files("monocoque.shop.configurator") / "catalogues" / f"{name}.toml"
    try:
        return read_catalogue(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CatalogueMalformed(f"The catalogue {name} cannot be read.") from error


def load_engine(name: str = CURRENT) -> Engine:
    """The engine of one catalogue; raises CatalogueMalformed, CatalogueContradicts."""
    return Engine(load_catalogue(name))
