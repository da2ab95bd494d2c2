"""What one start of a cell is told; apart from the cell, whose code takes long to load."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

HTTP: Final = "http"
"""The part of a cell that people and cars reach."""


@dataclass(frozen=True)
class CellSettings:
    """What one start of a cell is told."""

    cars: int
    """How many virtual cars shall live here; what is missing is ordered."""
    homes: int
    """How many homes shall live here; what is missing is made."""
    configs: Mapping[type, Any]
    software_version: str
    without: frozenset[str] = frozenset()
    """Parts that run in processes of their own."""
