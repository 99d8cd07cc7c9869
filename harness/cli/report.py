"""`harness report`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, examples, print_json
from harness.cli.options import Json, RunFolders


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

    Several run folders become one report.
    """
    from harness.records.run_folder import load_runs
    from reports.report import write_report

    written = write_report(load_runs(folders), out or folders[0] / "report")
    if json:
        print_json({"report": written.resolve()})
    else:
        typer.echo(written)
