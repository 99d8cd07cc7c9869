"""`harness report`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, examples, print_json, show
from harness.cli.failures import error_document, show_errors
from harness.cli.options import Json, RunFolders
from harness.system.text import printable


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness report results/20260101T120000Z-ab12cd --out report",
        "harness report results/pixel results/kitchen-pi --out both",
    ),
)
def report(
    folders: RunFolders,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="DIR", help="Report folder; default report/ in the first run folder."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write the report again from saved results.

    Several run folders become one report. A damaged cell is named and left out; the exit code is then 1.
    """
    from harness.records.run_folder import load_intact_runs
    from reports.report import write_report

    runs, errors = load_intact_runs(folders)
    written = write_report(runs, out or folders[0] / "report")
    if json:
        print_json({"report": written.resolve(), "errors": [error_document(error) for error in errors]})
    else:
        show(printable(str(written)))
    show_errors(errors)
    raise typer.Exit(1 if errors else 0)
