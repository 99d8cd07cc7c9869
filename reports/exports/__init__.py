"""Results in other tools' formats: one module a format, each with `encode(run, cells) -> bytes`.

A figure that could not be had is absent, never 0. Figures of an invalid cell are not exported, and neither is
time of an emulated device. Units stand in the names. All text is cleaned of what could steer a terminal.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

from harness.records import Cell, Run

# The format's name on the command line, and its module here.
FORMATS = {
    "bmf": "bmf",
    "github-benchmark": "github_benchmark",
    "google-benchmark": "google_benchmark",
    "junit": "junit",
    "csv": "tables",
    "parquet": "parquet",
}

# Written to a file as it is read: one row a sample is too much for memory.
STREAMED_FORMATS = ("samples-parquet",)


def encode(format: str, run: Run, cells: Sequence[Cell]) -> bytes:
    """The cells of a run in a format of `FORMATS`."""
    module = import_module(f"{__name__}.{FORMATS[format]}")
    return cast("Callable[[Run, Sequence[Cell]], bytes]", module.encode)(run, cells)
