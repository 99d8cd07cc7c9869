"""`harness compare`."""

from typing import Annotated, Any

import typer

from harness.cli.application import GroupedCommand, app, console_for, examples, print_json, show
from harness.cli.failures import error_document, show_errors
from harness.cli.option_checks import named
from harness.cli.options import Json, Verbose
from harness.cli.quantity_options import parse_margin
from harness.cli.run_folders import open_one_run_folder
from harness.errors import HarnessError, UsageError

MARGINS = "Margins"


def _margin(text: str) -> Any:
    """The option of a margin, with its help."""
    return typer.Option(callback=named(parse_margin), metavar="SHARE", rich_help_panel=MARGINS, help=text)


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness compare results/main results/branch --margin 3% --markdown > comment.md",
        "harness compare results/branch",
    ),
)
def compare(
    base: Annotated[str, typer.Argument(metavar="BASE", help="Run folder to compare with, or its URL.")],
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="NEW",
            help="Run folder that may be worse. Left out: BASE is a run with --against, compared with its own"
            " base.",
        ),
    ] = None,
    margin: Annotated[
        str | None,
        _margin(
            "Increase of latency that still counts as no worse; default 3%. If given, also of instructions."
        ),
    ] = None,
    instructions_margin: Annotated[
        str | None,
        _margin(
            "The same for instructions; default none for the exact counts of one emulated thread, and 1%"
            " on a real core."
        ),
    ] = None,
    startup_margin: Annotated[
        str | None,
        _margin(
            "The same for start-up, also a cold one; default 10%. An inconclusive start-up makes a cell"
            " inconclusive only if this is given."
        ),
    ] = None,
    sustained_margin: Annotated[
        str,
        _margin("The same for the latency of a sustained run."),
    ] = "10%",
    energy_margin: Annotated[
        str,
        _margin("The same for the energy of an inference."),
    ] = "10%",
    memory_margin: Annotated[
        str,
        _margin("The same for peak RSS."),
    ] = "5%",
    size_margin: Annotated[
        str,
        _margin("The same for the size of the .pte file."),
    ] = "1%",
    accuracy_margin: Annotated[
        str,
        _margin("Drop of top-1 accuracy, in percentage points, that still counts as no worse."),
    ] = "1%",
    across: Annotated[
        bool, typer.Option("--across", help="Compare even if devices, plans or versions differ.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown for a pull request.")] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Compare two runs: is NEW worse than BASE?

    Latency, instructions, start-up, sustained latency, energy, peak RSS, file size and accuracy each have a
    margin. A cell is worse when one of them is; what one side did not measure is named. Of a run that was
    made with --against, latencies and start-ups are compared round by round.

    Exit code 0 no worse, 1 worse or a damaged cell was left out, 3 inconclusive.
    """
    import msgspec

    from harness.analysis import comparison_text
    from harness.analysis.comparison import EXIT_CODES
    from harness.analysis.comparison import compare as compare_cells
    from harness.analysis.margins import Margins
    from harness.measuring.base_side import read_comparison
    from harness.records.base_cells import BASE_FOLDER
    from harness.records.outcomes import EVALUATIONS_FOLDER, read_outcomes

    accepted = parse_margin("--margin", margin)
    counts = parse_margin("--instructions-margin", instructions_margin)
    margins = Margins(
        **({} if accepted is None else {"latency": accepted}),
        instructions=accepted if counts is None else counts,
        startup=parse_margin("--startup-margin", startup_margin),
        sustained=parse_margin("--sustained-margin", sustained_margin),
        energy=parse_margin("--energy-margin", energy_margin),
        memory=parse_margin("--memory-margin", memory_margin),
        size=parse_margin("--size-margin", size_margin),
        accuracy_pp=100 * parse_margin("--accuracy-margin", accuracy_margin),
    )
    errors: tuple[HarnessError, ...] = ()
    if new is None:
        if across:
            raise UsageError("--across needs two run folders", hint="name the one to compare with first")
        opened = open_one_run_folder(base, BASE_FOLDER)
        with opened.urls_in_errors():
            comparison = read_comparison(opened.folders[0], margins)
    else:
        older, newer = (open_one_run_folder(one, EVALUATIONS_FOLDER) for one in (base, new))
        ((_, before),), damaged = older.load()
        ((_, after),), damaged_new = newer.load()
        errors = tuple({error.what: error for error in (*damaged, *damaged_new)}.values())
        comparison = compare_cells(
            before,
            after,
            margins=margins,
            across=across,
            base_outcomes=read_outcomes(older.folders[0], before),
            new_outcomes=read_outcomes(newer.folders[0], after),
        )
    if json:
        print_json(
            {**msgspec.structs.asdict(comparison), "errors": [error_document(error) for error in errors]}
        )
    elif markdown:
        show(comparison_text.to_markdown(comparison))
    else:
        show("\n".join(comparison_text.to_lines(comparison, console_for().width)))
    show_errors(errors)
    raise typer.Exit(1 if errors else EXIT_CODES[comparison.result])
