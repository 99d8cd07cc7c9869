"""`harness compare`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, console_for, examples, print_json
from harness.cli.failures import error_document, show_errors
from harness.cli.options import Json


@app.command(
    cls=GroupedCommand,
    epilog=examples("harness compare results/main results/branch --margin 3% --markdown > comment.md"),
)
def compare(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="Run folder to compare with.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Run folder that may be worse.")],
    margin: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="Increase that still counts as no worse. Default: 3% of latency, and none of the exact "
            "instruction counts of one emulated thread.",
        ),
    ] = None,
    across: Annotated[
        bool, typer.Option("--across", help="Compare even if devices, plans or versions differ.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown for a pull request.")] = False,
    json: Json = False,
) -> None:
    """Compare two runs: is NEW worse than BASE?

    Exit code 0 no worse, 1 worse or a damaged cell was left out, 3 inconclusive.
    """
    import msgspec

    from harness.analysis import comparison_text
    from harness.analysis.comparison import EXIT_CODES
    from harness.analysis.comparison import compare as compare_cells
    from harness.cli import quantity_options
    from harness.cli.console import print_table
    from harness.records.run_folder import load_intact_runs

    accepted = quantity_options.parse_margin(margin) if margin is not None else None
    ((_, before),), damaged = load_intact_runs([base])
    ((_, after),), damaged_new = load_intact_runs([new])
    errors = tuple({error.what: error for error in (*damaged, *damaged_new)}.values())
    comparison = compare_cells(before, after, margin=accepted, across=across)
    if json:
        print_json(
            {**msgspec.structs.asdict(comparison), "errors": [error_document(error) for error in errors]}
        )
    elif markdown:
        typer.echo(comparison_text.to_markdown(comparison))
    else:
        print_table(console_for(), "", comparison_text.HEADINGS, comparison_text.to_rows(comparison))
        typer.echo(comparison_text.summarize(comparison))
    show_errors(errors)
    raise typer.Exit(1 if errors else EXIT_CODES[comparison.result])
