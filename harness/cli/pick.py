"""`harness pick`."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.application import GroupedCommand, app, examples, print_json
from harness.cli.failures import error_document, show_errors
from harness.cli.options import Json, RunFolders

if TYPE_CHECKING:
    from harness.analysis.selection import Choice
    from harness.records import Cell


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness pick results/demo --max-latency 20ms --max-memory 40MB --min-accuracy 60%",
        "harness pick results/demo --max-latency 20ms --max-startup 200ms",
        "harness pick results/ci --max-instructions 60M --device emulator",
    ),
)
def pick(
    folders: RunFolders,
    max_latency: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Latency of one inference, such as 20ms.")
    ] = None,
    max_startup: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Time to load, initialize and run the first inference, such as 200ms.",
        ),
    ] = None,
    max_instructions: Annotated[
        str | None,
        typer.Option(metavar="COUNT", help="Instructions per inference, such as 60M, for emulated devices."),
    ] = None,
    max_memory: Annotated[str | None, typer.Option(metavar="SIZE", help="Peak RSS, such as 40MB.")] = None,
    max_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Size of the .pte file, such as 5MB.")
    ] = None,
    min_accuracy: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Top-1 accuracy, such as 60%.")
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", "-d", metavar="NAME", help="Device of the runs, if there are several."),
    ] = None,
    json: Json = False,
) -> None:
    """Name the best variant within a budget.

    Exit code 0 there is one, 1 no cell is within the budget, or a damaged cell was left out.
    """
    from harness.analysis import selection, selection_text
    from harness.analysis.machines import cells_of_runs
    from harness.cli.units import parse_count, parse_share, parse_size, parse_time
    from harness.records.run_folder import load_intact_runs

    runs, errors = load_intact_runs(folders)
    cells = cells_of_runs(members for _, members in runs)
    choice = selection.pick(
        cells,
        max_latency_ns=parse_time(max_latency) if max_latency else None,
        max_startup_ns=parse_time(max_startup) if max_startup else None,
        max_instructions=parse_count(max_instructions) if max_instructions else None,
        max_memory_bytes=parse_size(max_memory) if max_memory else None,
        max_size_bytes=parse_size(max_size) if max_size else None,
        min_accuracy=parse_share(min_accuracy) if min_accuracy else None,
        device=device,
    )
    if json:
        print_json({**_document(choice), "errors": [error_document(error) for error in errors]})
    else:
        typer.echo(selection_text.explain(choice))
    show_errors(errors)
    raise typer.Exit(0 if choice.best and not errors else 1)


def _document(choice: "Choice") -> dict[str, object]:
    """The choice with each cell's figures, but without its samples."""
    return {
        "best": _figures(choice.best) if choice.best else None,
        "runner_up": _figures(choice.runner_up) if choice.runner_up else None,
        "within_budget": choice.within_budget,
        "basis": choice.basis,
        "cautions": choice.cautions,
        "rejected": [{**_figures(one.cell), "reasons": one.reasons} for one in choice.rejected],
    }


def _figures(cell: "Cell") -> dict[str, object]:
    return {
        "name": cell.name,
        "device": cell.device.name,
        "clock": cell.device.clock,
        "threads": cell.plan.threads,
        "variant": cell.variant,
        "artifact_sha256": cell.artifact.sha256,
        "artifact_bytes": cell.artifact.size_bytes,
        "latency": cell.latency,
        "startup": cell.startup,
        "held_clocks": cell.held_clocks,
        "instructions_per_inference": cell.instructions_per_inference,
        "memory": cell.memory,
        "accuracy": cell.accuracy,
        "verdict": cell.verdict,
    }
