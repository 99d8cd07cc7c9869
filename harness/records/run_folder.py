"""Run folders: `run.json` and `cells/*.json`, written atomically.

A file of a newer minor schema version is read without its unknown fields; one with unknown values cannot be
read, and is left where it is. One of another major version is refused.
"""

import hashlib
import os
import platform
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from harness.errors import HarnessError, MeasurementError, UsageError
from harness.records import SCHEMA_MAJOR, SCHEMA_VERSION, Cell, Run
from harness.records.cell_checks import find_contradictions
from harness.records.cell_files import (
    CELLS_FOLDER,
    LARGEST_FILE_BYTES,
    cell_file_name,
    file_name_in,
    name_apart,
    refuse_link,
)
from harness.records.decoding import Malformed, decode_json
from harness.records.versions import Versioned
from harness.system.files import read_regular_file, write_atomically
from harness.system.text import shell_word

RUN_FILE = "run.json"

_Record = TypeVar("_Record", Run, Cell)


LoadedRuns = tuple[tuple[Run, tuple[Cell, ...]], ...]


class _Damaged(UsageError):
    """One file that cannot be used; the others of its folder can."""


def write_run(folder: Path, run: Run) -> Path:
    """Write `run.json`; after a crash either the old file or the new one is there, whole."""
    return _write(folder / RUN_FILE, run)


def write_cell(folder: Path, cell: Cell) -> Path:
    """Write the cell's own file; a cell of the same name is replaced.

    Raises:
        MeasurementError: a figure is beyond the schema's bounds; the file could not be read back.
    """
    try:
        decode_json(msgspec.json.encode(cell), Cell)
    except Malformed as error:
        raise MeasurementError(
            f"a figure cannot be saved: {error}",
            hint="the device reported it; the cell is not saved, other devices are not affected",
            device=cell.device.name,
            variant=cell.variant.name,
        ) from error
    refuse_link(folder / CELLS_FOLDER)
    return _write(folder / CELLS_FOLDER / file_name_in(folder, cell), cell)


def load_intact_runs(
    folders: Iterable[Path], *, keep: Callable[[Cell], Cell] = lambda cell: cell
) -> tuple[LoadedRuns, tuple[HarnessError, ...]]:
    """Load several run folders, each once, without their damaged cells; one error names each of these.

    `keep` gives what of each cell stays in memory.

    Raises:
        UsageError: as `load_run`, but for damaged cells; or no cell of a folder is intact.
    """
    runs: list[tuple[Run, tuple[Cell, ...]]] = []
    errors: list[HarnessError] = []
    for folder in dict.fromkeys(folder.resolve() for folder in folders):
        run = read_run(folder)
        cells, damaged = _read_intact(folder, keep)
        if not cells:
            raise damaged[0] if damaged else _without_cells(folder)
        runs.append((run, cells))
        errors += map(_left_out, damaged)
    return tuple(runs), tuple(errors)


def load_runs(folders: Iterable[Path]) -> LoadedRuns:
    """Load several run folders, each once; raises as `load_run` does."""
    distinct = dict.fromkeys(folder.resolve() for folder in folders)
    return tuple(load_run(folder) for folder in distinct)


def load_run(folder: Path) -> tuple[Run, tuple[Cell, ...]]:
    """Load a run folder's plan and its cells, in the order of their file names.

    Raises:
        UsageError: it is not a run folder, of another schema version, damaged, or without cells.
    """
    run = read_run(folder)
    cells = read_cells(folder)
    if not cells:
        raise _without_cells(folder)
    return run, cells


def _without_cells(folder: Path) -> UsageError:
    return UsageError(
        f"{folder} holds no measured cell",
        hint=f"measure what is missing: harness run --resume {shell_word(folder)}",
    )


def read_run(folder: Path) -> Run:
    """Read `run.json` alone; raises `UsageError` as `load_run` does."""
    if not os.path.lexists(folder / RUN_FILE):
        why = f"it has no {RUN_FILE}" if folder.is_dir() else "it is a file"
        raise UsageError(
            f"{folder} is not a run folder: {why if folder.exists() else 'there is no such folder'}",
            hint="name a folder that `harness run` wrote (its --out)",
        )
    return _read(folder / RUN_FILE, Run, hint="restore the file from a copy, or measure again")


def run_identity(folder: Path) -> str:
    """Names this folder on this machine and the run it was made for, and no other; empty for none."""
    try:
        made = read_regular_file(folder / RUN_FILE, LARGEST_FILE_BYTES)
    except OSError:
        return ""
    place = f"{platform.node()}\n{folder.resolve()}\n".encode("utf-8", "surrogateescape")
    return hashlib.sha256(place + made).hexdigest()


def read_cells(folder: Path) -> tuple[Cell, ...]:
    """Read the cells that are there, possibly none; raises `UsageError` as `load_run` does."""
    cells, damaged = _read_intact(folder)
    if damaged:
        raise damaged[0]
    return cells


def each_intact_cell(folder: Path, damaged: list[HarnessError]) -> Iterator[Cell]:
    """Read one cell after the other, so that only one is in memory; `damaged` gets an error for each other.

    Raises:
        UsageError: the folder of the cells cannot be read.
    """
    left_out: list[_Damaged] = []
    yield from _intact_cells(folder, left_out)
    damaged.extend(map(_left_out, left_out))


def _read_intact(
    folder: Path, keep: Callable[[Cell], Cell] = lambda cell: cell
) -> tuple[tuple[Cell, ...], list[_Damaged]]:
    damaged: list[_Damaged] = []
    return tuple(map(keep, _intact_cells(folder, damaged))), damaged


def _intact_cells(folder: Path, damaged: list[_Damaged]) -> Iterator[Cell]:
    """Each cell once: of two files that hold one, the one of the cell's own name, else the first."""
    files: dict[tuple[object, ...], Path] = {}
    for path in _cell_files(folder):
        try:
            cell = _read_cell(folder, path)
            first = files.setdefault((cell.name, cell.variant.identity, cell.plan.cpus), path)
            if first != path:
                raise _Damaged(
                    f"{path} holds the same cell as {first.name}", hint=f"delete one of the two: {path}"
                )
            yield cell
        except _Damaged as error:
            damaged.append(error)


def _left_out(error: _Damaged) -> MeasurementError:
    return MeasurementError(f"{error.what}; left out", hint=error.hint)


def _cell_files(folder: Path) -> list[Path]:
    try:
        # Hidden ones are another program's: macOS leaves `._NAME` beside files that it copies to some disks.
        return sorted(
            path
            for path in (folder / CELLS_FOLDER).iterdir()
            if path.suffix == ".json" and not path.name.startswith(".")
        )
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(
            f"cannot read {folder / CELLS_FOLDER}: {error.strerror}",
            hint="check the folder and its permissions",
        ) from error


def _read_cell(folder: Path, path: Path) -> Cell:
    hint = f"delete the file and measure that cell again: harness run --resume {shell_word(folder)}"
    cell = _read(path, Cell, hint=hint)
    if original := _original(path, cell):
        raise _Damaged(
            f"{path} holds the same cell as {original.name}", hint=f"delete the copy: {shell_word(path)}"
        )
    if wrong := next(find_contradictions(cell), None):
        raise _unusable(path, Versioned(cell.schema_version), wrong, hint)
    return cell


def _original(path: Path, cell: Cell) -> Path | None:
    """Two files can hold one cell, as copies do: the one of that cell's own name is used."""
    own = path.with_name(cell_file_name(cell.name))
    if path in (own, path.with_name(name_apart(cell.name, cell.variant.identity))) or not os.path.lexists(
        own
    ):
        return None
    return own


def _read(path: Path, record: type[_Record], *, hint: str) -> _Record:
    try:
        content = read_regular_file(path, LARGEST_FILE_BYTES)
        version = decode_json(content, Versioned)
    except OSError as error:
        raise _Damaged(
            f"cannot read {path}: {error.strerror}", hint="replace it by a file that can be read"
        ) from error
    except Malformed as error:
        raise _Damaged(f"{path} is damaged: {error}", hint=hint) from error
    if version.is_of_another_major:
        raise _Damaged(
            f"{path} has schema version {version.schema_version};"
            f" this harness reads versions {SCHEMA_MAJOR}.x",
            hint=f"read it with the harness version that wrote it (see `versions` in {RUN_FILE}),"
            " or measure again into a new folder",
        )
    try:
        return decode_json(content, record)
    except Malformed as error:
        raise _unusable(path, version, str(error), hint) from error


def _unusable(path: Path, version: Versioned, why: str, hint: str) -> _Damaged:
    """A damaged file; or one of a newer version, which must not be deleted for what this one cannot read."""
    if not version.is_newer:
        return _Damaged(f"{path} is damaged: {why}", hint=hint)
    return _Damaged(
        f"{path} was written by a newer harness (schema {version.schema_version}; this one reads"
        f" {SCHEMA_VERSION}): {why}",
        hint="update mobilenet-harness, or read the folder with the version that wrote it",
    )


def _write(path: Path, record: Run | Cell) -> Path:
    # A record that was read from a newer minor version has lost that version's fields.
    record = msgspec.structs.replace(record, schema_version=SCHEMA_VERSION)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, _readable(msgspec.json.encode(record)))
    return path


def _readable(json: bytes) -> bytes:
    """Indented, but samples on one line: a raw newline never occurs inside a JSON string."""
    indented = msgspec.json.format(json, indent=2)
    numbers = rb"\[\n[\d\s,.eE+-]+\]"
    return re.sub(numbers, lambda match: _one_line(match[0]), indented) + b"\n"


def _one_line(array: bytes) -> bytes:
    return b"[" + b" ".join(array[1:-1].split()) + b"]"
