"""The two files that describe a bus: its database and the mapping to signals.

Rules: neither is read beyond its limit; what is wrong with one names it.

Left out on purpose: watching them. A changed mapping counts from the next start.
"""

from importlib import resources
from pathlib import Path
from typing import Final

from monocoque.car.can.config import CanConfig
from monocoque.car.can.logic.database import load_database
from monocoque.car.can.logic.mapping import parse_mapping
from monocoque.car.can.logic.translation import Translation, bind
from monocoque.car.signals.logic.catalogue import Catalogue
from monocoque.contracts.errors import CanDatabaseWrong, CanMappingWrong

OWN: Final = "arden7"
"""The name of the two files that describe the bus of our own virtual car."""


def load_translation(
    database: Path, mapping: Path, catalogue: Catalogue, config: CanConfig, *, is_lenient: bool
) -> Translation:
    """Read and bind both. Raises CanDatabaseWrong, CanMappingWrong.

    is_lenient: take a database whose messages overlap or do not fit, as many in the field do.
    """
    # Databases of Windows tools are in its code page; only comments and units differ.
    text = _read(database, config.database_bytes_max, CanDatabaseWrong, "cp1252")
    bus = load_database(text, is_lenient=is_lenient)
    rows = parse_mapping(
        _read(mapping, config.mapping_bytes_max, CanMappingWrong, "utf-8"),
        config.mapping_rows_max,
    )
    return bind(rows, bus, catalogue)


def own_files() -> tuple[Path, Path]:
    """Database and mapping of our own virtual car, as they come with the package."""
    folder = Path(str(resources.files("monocoque.car.can")))
    return folder / f"{OWN}.dbc", folder / f"{OWN}.yaml"


def _read(
    path: Path, bytes_max: int, wrong: type[CanDatabaseWrong | CanMappingWrong], encoding: str
) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(bytes_max + 1)
    except OSError as error:
        raise wrong(
            f"{path.name} cannot be read: {error.strerror}.", hint="Name a file that is there."
        ) from error
    if len(content) > bytes_max:
        raise wrong(f"{path.name} is larger than {bytes_max} bytes.")
    return content.decode(encoding, errors="replace")
