"""Run folders uploaded to a storage that fsspec knows, for tests of what reads them there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from builders import make_cell, make_device, make_run
from harness.cli.run_folders import open_run_folders
from harness.errors import UsageError
from harness.records import Cell
from harness.records.outcomes import EVALUATIONS_FOLDER
from harness.records.run_folder import write_cell, write_run


def write_lab(folder: Path, lab: str, *cells: Cell) -> Path:
    """The run folder of a lab, of one cell on a device of that name unless others are given."""
    measured = cells or (make_cell(device=make_device(name=lab)),)
    write_run(folder / lab, make_run(measured))
    for cell in measured:
        write_cell(folder / lab, cell)
    return folder / lab


def upload(files: Any, folder: Path, place: str) -> None:
    """Put each file of the folder to the same path below this place of the file system."""
    for file in _files_of(folder):
        files.pipe(f"{place}/{file.relative_to(folder).as_posix()}", file.read_bytes())


def _files_of(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def refusal(*urls: str) -> UsageError:
    """The error of run folders at URLs that are refused, each with a hint."""
    with pytest.raises(UsageError) as refused:
        open_run_folders(urls, EVALUATIONS_FOLDER)
    assert refused.value.exit_code == 2
    assert refused.value.hint
    return refused.value
