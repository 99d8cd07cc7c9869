"""Where the program of a cell lies, or how it is made again."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.commands import Words
from harness.analysis.runtimes import program_file
from harness.records import Cell
from harness.system.text import printable


@dataclass(frozen=True)
class ProgramFile:
    """Where the program of a cell lies; None if nowhere here, and then `lower` makes it.

    `versions` names the libraries that made the program where others are installed: they make another one.
    """

    path: Path | None
    lower: Words
    versions: str = ""


ProgramFiles = Mapping[str, ProgramFile]


def describe_file(cell: Cell, files: ProgramFiles) -> list[str]:
    """The program's file and digest; where it is not on this machine, how to make it."""
    found, sha256 = files.get(cell.artifact.sha256), f"sha256 {cell.artifact.sha256}"
    if found and found.path:
        return [f"file {printable(str(found.path))}", sha256]
    lines = [f"file {printable(program_file(cell.variant))}, {sha256}"]
    if found:
        lines.append(f"its bytes are not on this machine; make them: {printable(shlex.join(found.lower))}")
        if found.versions:
            lines.append(f"its digest needs the libraries that made it: {printable(found.versions)}")
    return lines
