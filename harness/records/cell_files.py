"""Where a cell lies in a run folder: file names that are safe, and different for different cells."""

import hashlib
import re
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.records import Cell, Variant
from harness.records.decoding import Malformed, decode_json
from harness.system.files import read_regular_file

CELLS_FOLDER = "cells"
LONGEST_NAME = 150
# A cell of a thousand processes of a thousand samples has some 20 MB.
LARGEST_FILE_BYTES = 256 * 2**20


class _Placed(msgspec.Struct):
    cpus: str | None = None


class _Identified(msgspec.Struct):
    """The part of a saved cell that says which it is."""

    variant: Variant
    plan: _Placed


def file_name_in(folder: Path, cell: Cell) -> str:
    """The name of the cell's files in this folder.

    It has a digest added if the folder has a cell of the same name with other weights or classes. A cell
    that was saved under the name of version 2.0 keeps that.
    """
    identity = cell.variant.identity
    if cell.plan.cpus is not None and cell.plan.rate_hz is None and cell.plan.backend_options is None:
        for earlier in (
            cell_file_name(cell.name_without_cores),
            name_apart(cell.name_without_cores, identity),
        ):
            saved = _read_identity(folder, earlier)
            if saved and (saved.variant.identity, saved.plan.cpus) == (identity, cell.plan.cpus):
                return earlier
    name = cell_file_name(cell.name)
    saved = _read_identity(folder, name)
    return name_apart(cell.name, identity) if saved and saved.variant.identity != identity else name


def _read_identity(folder: Path, name: str) -> _Identified | None:
    with suppress(OSError, Malformed):
        return decode_json(read_regular_file(folder / CELLS_FOLDER / name, LARGEST_FILE_BYTES), _Identified)
    return None


def name_apart(name: str, identity: tuple[object, ...]) -> str:
    """A file name for a cell whose name another one has that is not the same; it ends in a digest."""
    digest = hashlib.sha256(msgspec.json.encode(identity)).hexdigest()[:10]
    return cell_file_name(f"{name} {digest}")


def cell_file_name(name: str) -> str:
    """A file name for any cell name: letters, digits, `.`, `_` and `-`; different names stay different."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".")[:LONGEST_NAME]
    if safe != name:
        safe += "-" + hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{safe}.json"


def refuse_link(folder: Path) -> None:
    """Raise UsageError for a symbolic link in the place of a folder that is written to.

    In a received run folder it could lead to any folder of this machine.
    """
    if folder.is_symlink():
        raise UsageError(
            f"{folder} is a symbolic link, and nothing is written through it",
            hint="remove the link, or name the folder that it leads to",
        )
