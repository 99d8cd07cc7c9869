"""`harness export`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, examples, print_json, show
from harness.cli.failures import error_document, show_errors
from harness.cli.options import OUTPUT, Json
from harness.errors import UsageError
from harness.system.text import printable
from reports.exports import FORMATS

STDOUT = Path("-")


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness export results/demo --format bmf | bencher run --adapter json",
        "harness export results/demo --format junit --out junit.xml",
        "harness export results/demo --format parquet --out cells.parquet",
    ),
)
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `harness run` wrote.")],
    format: Annotated[str, typer.Option("--format", "-f", metavar="NAME", help=f"{', '.join(FORMATS)}.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", rich_help_panel=OUTPUT, help="Where to write; - is stdout."
        ),
    ] = STDOUT,
    json: Json = False,
) -> None:
    """Write the figures of a run for another tool.

    A missing figure is absent, never 0. Invalid cells have no figures, emulated devices no times. In JUnit
    XML an invalid cell is a failure, a suspect one is skipped. github-benchmark is for customSmallerIsBetter
    of github-action-benchmark. parquet needs pyarrow: pip install 'mobilenet-harness[parquet]'.

    Exit code 1 if a damaged cell was left out.
    """
    from harness.records.run_folder import load_intact_runs
    from harness.system.files import write_atomically
    from reports.exports import encode

    if format not in FORMATS:
        raise UsageError(
            f"--format {printable(format)!r} is not known", hint=f"choose one of: {', '.join(FORMATS)}"
        )
    if json and out == STDOUT:
        raise UsageError("--json and the export cannot both go to stdout", hint="name a file: --out FILE")
    ((run, cells),), errors = load_intact_runs([folder])
    content = encode(format, run, cells)
    if out == STDOUT:
        typer.echo(content, nl=False)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, content)
    if json:
        print_json(
            {
                "file": out.resolve(),
                "format": format,
                "cells": len(cells),
                "errors": [error_document(error) for error in errors],
            }
        )
    elif out != STDOUT:
        show(printable(str(out)))
    show_errors(errors)
    raise typer.Exit(1 if errors else 0)
