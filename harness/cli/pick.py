"""`harness pick`."""

from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, examples, print_json, show
from harness.cli.budget_options import (
    BUDGET,
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
from harness.cli.run_folders import open_run_folders


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness pick results/demo --max-latency 20ms --max-memory 40MB --min-accuracy 60%",
        "harness pick results/demo --max-latency 20ms --max-startup 200ms --threads 1,2 --precision int8",
        "harness pick results/ci --max-instructions 60M --device emulator",
        "harness pick results/pixel results/kitchen-pi --max-latency 50ms",
        "harness pick results/paced --rate 30",
        "harness pick results/hot --sustained --max-latency 20ms",
        "harness pick results/pixel --max-latency 20ms --include-predicted",
    ),
)
def pick(
    folders: NamedRunFolders,
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
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            metavar="NAME",
            rich_help_panel=BUDGET,
            help="Choose only for this device, or for the pool (run --any-of) that it is of.",
        ),
    ] = None,
    include_predicted: Annotated[
        bool,
        typer.Option(
            "--include-predicted",
            rich_help_panel=OUTPUT,
            help="Also name the variant that nobody measured but that is predicted to be better, and the"
            " command that measures it; see harness predict. A predicted variant is never the answer itself.",
        ),
    ] = False,
    all_rejected: Annotated[
        bool,
        typer.Option("--all", rich_help_panel=OUTPUT, help="List every rejected cell with its reasons."),
    ] = False,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Name the best variant within a budget, for each device.

    Several devices also have one answer for all; devices that shared the variants (run --any-of) have only
    one. Each limit is compared with the worse end of a figure's interval. Of what several runs measured on
    one device, the costliest valid cell counts.

    Exit code 0 every device has one, 1 one has none within the budget, or a damaged cell was left out.
    """
    from harness.cli.answers import choose
    from harness.cli.proposals import find_proposals, proposals_document, show_proposals
    from harness.records.outcomes import EVALUATIONS_FOLDER

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
    opened = open_run_folders(folders, EVALUATIONS_FOLDER)
    loaded, errors = opened.load()
    runs = dict(zip(opened.folders, loaded, strict=True))
    answers = choose(runs, budget, device=device, copies=opened.copies, unreadable=len(errors))
    proposals = find_proposals(answers.selection, runs) if include_predicted else {}
    if json:
        predicted = {"predicted": proposals_document(proposals)} if include_predicted else {}
        listed = [error_document(error) for error in errors]
        print_json({**answers.document, **predicted, "errors": listed})
    else:
        show(answers.explain(all_rejected=all_rejected))
        show_proposals(proposals)
    show_errors(errors)
    raise typer.Exit(0 if answers.selection.complete and not errors else 1)
