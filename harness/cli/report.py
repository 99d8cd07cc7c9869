"""`harness report`."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, examples, print_json, show
from harness.cli.budget_options import (
    MaxEnergy,
    MaxInstructions,
    MaxLatency,
    MaxMemory,
    MaxP90,
    MaxP99,
    MaxSize,
    MaxStartup,
    MinAccuracy,
    OnlyCores,
    OnlyPrecisions,
    OnlyRate,
    OnlyThreads,
    Sustained,
    parse_budget,
    refuse_predicted,
)
from harness.cli.failures import error_document, show_errors
from harness.cli.options import OUTPUT, Json, NamedRunFolders, Verbose
from harness.cli.output_places import DEFAULT_OUT, check_output_folder
from harness.cli.run_folders import open_run_folders
from harness.system.text import printable

LONGEST_NAME = 80


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness report results/20260101T120000Z-ab12cd --out report",
        "harness report results/demo --max-latency 20ms --max-memory 40MB",
        "harness report results/pixel --include-predicted",
        "harness report results/pixel --trace",
        "harness report results/paced --rate 30",
        "harness report results/hot --sustained --max-latency 20ms",
        "harness report results/pixel results/kitchen-pi --out both",
        "harness report s3://bucket/lab-berlin 's3://bucket/lab-oslo/nightly-*' --out both",
    ),
)
def report(
    folders: NamedRunFolders,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            rich_help_panel=OUTPUT,
            help="Report folder; default report/ in the run folder, for several runs one beside the first,"
            " for runs at a URL one in the current folder.",
        ),
    ] = None,
    max_latency: MaxLatency = None,
    max_p90: MaxP90 = None,
    max_p99: MaxP99 = None,
    max_startup: MaxStartup = None,
    max_instructions: MaxInstructions = None,
    max_memory: MaxMemory = None,
    max_size: MaxSize = None,
    max_energy: MaxEnergy = None,
    min_accuracy: MinAccuracy = None,
    threads: OnlyThreads = None,
    cores: OnlyCores = None,
    rate: OnlyRate = None,
    sustained: Sustained = False,
    precision: OnlyPrecisions = None,
    include_predicted: Annotated[
        bool,
        typer.Option(
            "--include-predicted",
            rich_help_panel=OUTPUT,
            help="Also show the variants that nobody measured, as harness predict predicts them: hollow and"
            " dotted in the trade-off, in a table of their own, and in no answer.",
        ),
    ] = False,
    trace: Annotated[
        bool,
        typer.Option(
            "--trace",
            rich_help_panel=OUTPUT,
            help="Also write trace.json, which ui.perfetto.dev and chrome://tracing open: processes,"
            " inferences, operators of a profile, clocks and temperatures over time.",
        ),
    ] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Write the report again from saved results.

    The page first answers for the budget, as harness pick does, and takes other budgets where it is read.

    Several run folders become one report. A damaged cell is named and left out; the exit code is then 1.
    """
    from harness.analysis.askable import check_figures
    from harness.analysis.machines import cells_of_runs
    from harness.measuring.base_side import read_comparison
    from harness.records.base_cells import BASE_FOLDER, read_base_cells
    from harness.records.outcomes import EVALUATIONS_FOLDER, Outcomes, read_outcomes
    from reports.earlier import TRACE
    from reports.report import write_report

    budget = parse_budget(
        max_latency=max_latency,
        max_p90=max_p90,
        max_p99=max_p99,
        max_startup=max_startup,
        max_instructions=max_instructions,
        max_memory=max_memory,
        max_size=max_size,
        max_energy=max_energy,
        min_accuracy=min_accuracy,
        threads=threads,
        cores=cores,
        rate=rate,
        sustained=sustained,
        precision=precision,
    )
    refuse_predicted(sustained=sustained, include_predicted=include_predicted)
    if out:
        check_output_folder(out)
    opened = open_run_folders(folders, EVALUATIONS_FOLDER, BASE_FOLDER)
    runs, errors = opened.load()
    named_folders = opened.folders if opened.copies else [*map(Path, folders)]
    place = out or check_output_folder(default_folder(named_folders, opened.copies), DEFAULT_OUT)
    if budget.limits_anything or budget.sustained:
        check_figures(cells_of_runs(members for _, members in runs), budget)
    outcomes: dict[tuple[object, ...], Outcomes] = {}
    for folder, (_, cells) in zip(opened.folders, runs, strict=True):
        outcomes |= read_outcomes(folder, cells)
    with opened.urls_in_errors():
        against = [
            (one, run) for one, (run, _) in zip(opened.folders, runs, strict=True) if run.base is not None
        ]
        compared = [read_comparison(one) for one, _ in against]
        bases = [(run, read_base_cells(one)) for one, run in against] if trace else []
    written = write_report(
        runs,
        place,
        budget=budget,
        outcomes=outcomes,
        include_predicted=include_predicted,
        against=compared,
        trace=trace,
        bases=bases,
        unreadable=len(errors),
    )
    if json:
        named = {"trace": (written.parent / TRACE).resolve()} if trace else {}
        listed = [error_document(error) for error in errors]
        print_json({"report": written.resolve(), **named, "errors": listed})
    else:
        show(printable(str(written)))
        if trace:
            show(printable(str(written.parent / TRACE)))
    show_errors(errors)
    raise typer.Exit(1 if errors else 0)


def default_folder(folders: Sequence[Path], copies: Mapping[Path, str] | None = None) -> Path:
    """`report/` in a run folder; of several runs a folder beside the first, named after all of them.

    Where names repeat, or are too long together, a digest of their paths tells such reports apart. Where the
    first is a copy, by its URL, the report lies in the current folder.

    A report of several runs is none of theirs.
    """
    urls = copies or {}
    distinct = {folder.resolve(): folder for folder in folders}
    first = folders[0]
    if len(distinct) == 1 and first not in urls:
        return first / "report"
    names = "+".join(folder.name for folder in distinct)
    if len(names) > LONGEST_NAME or len({folder.name for folder in distinct}) < len(distinct):
        paths = "\0".join(urls.get(folder, str(folder)) for folder in distinct)
        digest = hashlib.sha256(paths.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        names = f"{len(distinct)}-runs-{digest}"
    return (Path.cwd() if first in urls else first.resolve().parent) / f"report-{names}"
