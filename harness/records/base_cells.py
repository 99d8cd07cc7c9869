"""The folder `base` in a run folder: the cells of another run's programs, measured in the same rounds.

It is a run folder like any other, so that every command reads it by its path.
"""

from pathlib import Path

from harness.records import Cell
from harness.records.run_folder import read_cells

BASE_FOLDER = "base"


def base_folder(folder: Path) -> Path:
    """Where a run keeps what it measured of its base."""
    return folder / BASE_FOLDER


def read_base_cells(folder: Path) -> tuple[Cell, ...]:
    """The cells that are there, possibly none; raises `UsageError` as `read_cells` does."""
    return read_cells(base_folder(folder))
