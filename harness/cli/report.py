"""`harness report`, `harness pick` and `harness compare`: what saved runs tell."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import Json, RunFolders, app, console_for, examples
from harness.cli.summary import write_report_of


@app.command(epilog=examples("harness report results/20260101T120000Z-ab12cd --out report"))
def report(
    folders: RunFolders,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Report folder; default report/ in the first run folder."),
    ] = None,
) -> None:
    """Write the report again from saved runs.

    Several run folders become one report.
    """
    typer.echo(write_report_of(folders, out or folders[0] / "report"))


@app.command(
    epilog=examples("harness pick results/demo --max-latency 20ms --max-memory 40MB --min-accuracy 60%")
)
def pick(
    folders: RunFolders,
    max_latency: Annotated[str | None, typer.Option(help="Such as 20ms.")] = None,
    max_instructions: Annotated[str | None, typer.Option(help="Such as 60M, for emulated devices.")] = None,
    max_memory: Annotated[str | None, typer.Option(help="Peak RSS, such as 40MB.")] = None,
    max_size: Annotated[str | None, typer.Option(help="Of the .pte file, such as 5MB.")] = None,
    min_accuracy: Annotated[str | None, typer.Option(help="Top-1, such as 60%.")] = None,
    device: Annotated[str | None, typer.Option("--device", "-d", help="Of the runs' devices.")] = None,
) -> None:
    """Name the best variant within a budget."""
    from harness.analysis import selection as picking
    from harness.cli.units import parse_count, parse_share, parse_size, parse_time
    from harness.records.run_folder import load_runs

    cells = tuple(cell for _, cells in load_runs(folders) for cell in cells)
    choice = picking.pick(
        cells,
        max_latency_ns=parse_time(max_latency) if max_latency else None,
        max_instructions=parse_count(max_instructions) if max_instructions else None,
        max_memory_bytes=parse_size(max_memory) if max_memory else None,
        max_size_bytes=parse_size(max_size) if max_size else None,
        min_accuracy=parse_share(min_accuracy) if min_accuracy else None,
        device=device,
    )
    typer.echo(picking.explain(choice))
    raise typer.Exit(0 if choice.best else 1)


@app.command(
    epilog=examples("harness compare results/main results/branch --margin 3% --markdown > comment.md")
)
def compare(
    base: Annotated[Path, typer.Argument(help="The run folder to compare with.")],
    new: Annotated[Path, typer.Argument(help="The run folder that may be worse.")],
    margin: Annotated[str, typer.Option(help="How much slower still counts as no worse.")] = "3%",
    across: Annotated[
        bool, typer.Option("--across", help="Compare although device, plan or versions differ.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="For a pull request.")] = False,
    json: Json = False,
) -> None:
    """Tell whether NEW is worse than BASE.

    Exit code 0 no worse, 1 worse, 3 inconclusive.
    """
    from harness.analysis import comparison_text
    from harness.analysis.comparison import EXIT_CODES
    from harness.analysis.comparison import compare as compare_cells
    from harness.cli import console, parsing
    from harness.records.run_folder import load_run

    accepted = parsing.parse_margin(margin)
    comparison = compare_cells(load_run(base)[1], load_run(new)[1], margin=accepted, across=across)
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(comparison).decode())
    elif markdown:
        typer.echo(comparison_text.to_markdown(comparison))
    else:
        console.print_table(console_for(), "", comparison_text.HEADINGS, comparison_text.to_rows(comparison))
        typer.echo(comparison_text.summarize(comparison))
    raise typer.Exit(EXIT_CODES[comparison.result])
