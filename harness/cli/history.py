"""`harness history`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, examples, print_json, show
from harness.cli.failures import error_document, show_errors
from harness.cli.options import OUTPUT, Json, NamedRunFolders, Verbose
from harness.cli.output_places import DEFAULT_OUT, check_output_file
from harness.cli.run_folders import PAGE, open_run_folders
from harness.system.text import printable


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness history results/nightly-*",
        "harness history results/nightly-* --min-change 2% --out nightly.html",
        "harness history 's3://bucket/nightly-*'",
    ),
)
def history(
    folders: NamedRunFolders,
    min_change: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="Smallest change that is reported; default 1%, 0.1% of exact figures, and half a point of"
            " accuracy.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            help=f"HTML page to write; default {PAGE} beside the first run folder, or here if that is at a"
            " URL.",
        ),
    ] = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Show how each figure changed over runs, and at which run.

    Latency, instructions, start-up, sustained latency, energy, peak RSS, file size and accuracy of each cell,
    where runs have them, in the order in which the runs started. A change is named where the level shifts for
    good, with the git revisions before and after it; a noisy figure needs at least 6 runs, and a few after
    the change. Machines are never mixed.

    Exit code 1 if the newest run is the first to show a change for the worse, or a damaged cell was left out.
    """
    import msgspec

    from harness.analysis.condensed_cells import Condenser
    from harness.analysis.history import trace
    from harness.analysis.history_text import to_lines
    from harness.cli.quantity_options import parse_margin
    from reports.history_page import write_history

    smallest = parse_margin("--min-change", min_change)
    if out:
        check_output_file(out)
    opened = open_run_folders(folders)
    runs, errors = opened.load(keep=Condenser().condense)
    page = out or check_output_file(opened.place / PAGE, DEFAULT_OUT)
    traced = trace(runs, smallest_change=smallest, unreadable=len(errors))
    write_history(traced, page)
    if json:
        print_json(
            {
                "page": page.resolve(),
                **msgspec.structs.asdict(traced),
                "newly_worse": traced.newly_worse,
                "errors": [error_document(error) for error in errors],
            }
        )
    else:
        show("\n".join([*to_lines(traced), f"page: {printable(str(page))}"]))
    show_errors(errors)
    raise typer.Exit(1 if errors or traced.newly_worse else 0)
