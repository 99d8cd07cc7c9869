"""`harness export`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from harness.cli.application import GroupedCommand, app, examples, print_json, show
from harness.cli.failures import error_document, show_errors
from harness.cli.options import OUTPUT, Json, Verbose
from harness.cli.output_places import check_output_file
from harness.cli.run_folders import open_one_run_folder
from harness.errors import HarnessError, UsageError
from harness.system.text import printable
from reports.exports import FORMATS, STREAMED_FORMATS

if TYPE_CHECKING:
    from reports.exports.samples import Written

STDOUT = Path("-")
ALL_FORMATS = (*FORMATS, *STREAMED_FORMATS)


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness export results/demo --format bmf | bencher run --adapter json",
        "harness export results/demo --format junit --out junit.xml",
        "harness export results/demo --format parquet --out cells.parquet",
        "harness export results/demo --format samples-parquet --out samples.parquet",
    ),
)
def export(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="Folder that `harness run` wrote, or its URL.")
    ],
    format: Annotated[str, typer.Option("--format", "-f", metavar="NAME", help=f"{', '.join(ALL_FORMATS)}.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", rich_help_panel=OUTPUT, help="Where to write; - is stdout."
        ),
    ] = STDOUT,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Write the figures of a run for another tool.

    A missing figure is absent, never 0. Invalid cells have no figures, emulated devices no times. In JUnit
    XML an invalid cell is a failure, a suspect one is skipped. github-benchmark is for customSmallerIsBetter
    of github-action-benchmark. samples-parquet has one row per measured inference, of devices with a real
    clock only. It and parquet need pyarrow: pip install 'mobilenet-harness[parquet]'.

    Exit code 1 if a damaged cell was left out.
    """
    from harness.system.files import write_atomically
    from reports.exports import encode

    if format not in ALL_FORMATS:
        raise UsageError(
            f"--format {printable(format)!r} is not known", hint=f"choose one of: {', '.join(ALL_FORMATS)}"
        )
    if json and out == STDOUT:
        raise UsageError("--json and the export cannot both go to stdout", hint="name a file: --out FILE")
    if format in STREAMED_FORMATS and out == STDOUT:
        raise UsageError(f"--format {format} needs a file", hint="name one: --out samples.parquet")
    if out != STDOUT:
        check_output_file(out)
    opened = open_one_run_folder(folder)
    if format in STREAMED_FORMATS:
        damaged: list[HarnessError] = []
        with opened.urls_in_errors():
            written = _write_samples(opened.folders[0], out, damaged)
        document = {"rows": written.rows, "emulated_cells_left_out": written.emulated_cells}
        _end(out, format, document, [opened.with_url(error) for error in damaged], json=json)
    ((run, cells),), errors = opened.load()
    content = encode(format, run, cells)
    if out == STDOUT:
        typer.echo(content, nl=False)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, content)
    _end(out, format, {"cells": len(cells)}, errors, json=json)


def _write_samples(folder: Path, out: Path, damaged: list[HarnessError]) -> "Written":
    """Raises UsageError without leaving a file if no cell has samples of a real clock."""
    from harness.records.run_folder import each_intact_cell, read_run
    from harness.system.files import atomic_file
    from reports.exports.samples import write_rows

    run = read_run(folder)
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(out) as temporary:
        with temporary.open("wb") as stream:
            written = write_rows([(run, each_intact_cell(folder, damaged))], stream)
        if not written.rows:
            if damaged:
                raise UsageError(damaged[0].what, hint=damaged[0].hint)
            raise UsageError(
                f"{folder} has no inference that was timed by a real clock",
                hint="harness export --format csv has the counts of emulated devices",
            )
    return written


def _end(
    out: Path, format: str, figures: dict[str, int], errors: Sequence[HarnessError], *, json: bool
) -> NoReturn:
    if json:
        listed = [error_document(error) for error in errors]
        print_json({"file": out.resolve(), "format": format, **figures, "errors": listed})
    elif out != STDOUT:
        show(printable(str(out)))
    show_errors(errors)
    raise typer.Exit(1 if errors else 0)
