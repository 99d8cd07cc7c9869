"""`harness predict`."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.application import GroupedCommand, app, console_for, examples, print_json, show
from harness.cli.failures import error_document, show_errors
from harness.cli.options import Json, NamedRunFolders, Verbose
from harness.cli.run_folders import open_run_folders

if TYPE_CHECKING:
    from harness.analysis.prediction import Grid, Prediction

GRID = "Grid"


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness predict results/pixel",
        "harness predict results/pixel --width 0.6,0.8 --resolution 160,192",
        "harness predict results/pixel --confidence 80%",
    ),
)
def predict(
    folders: NamedRunFolders,
    width: Annotated[
        str | None,
        typer.Option(
            "--width",
            "-w",
            metavar="LIST",
            rich_help_panel=GRID,
            help="Width multipliers, comma separated; default the published and the measured ones.",
        ),
    ] = None,
    resolution: Annotated[
        str | None,
        typer.Option(
            "--resolution",
            "-r",
            metavar="LIST",
            rich_help_panel=GRID,
            help="Input sides in px, comma separated; default the published and the measured ones.",
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", "-d", metavar="NAME", rich_help_panel=GRID, help="Predict only this device."
        ),
    ] = None,
    confidence: Annotated[
        str,
        typer.Option(
            metavar="SHARE",
            rich_help_panel=GRID,
            help="Share of measurements that should lie inside their intervals: 90% needs 9 measured cells of"
            " a precision, 80% needs 4.",
        ),
    ] = "90%",
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Predict the variants of the grid that were not measured.

    Latency, instructions, peak RSS and file size of each precision are fitted to the valid cells of the
    same device, threads, cores and rate: as a sum of what the network computes and moves. Also used
    are suspect cells' figures that no reason affects, such as the file size of one that throttled. A variant
    outside the measured range is not predicted. Nothing predicted is saved; a line below the table names the
    command that measures.

    Exit code 0 predicted, 1 nothing could be predicted, or a damaged cell was left out.
    """
    from harness.analysis.machines import cells_of_runs
    from harness.analysis.prediction import predict_grids
    from harness.analysis.uncounted_cells import describe_repeated, without_repeated
    from harness.cli import parsing
    from harness.cli.quantity_options import parse_confidence

    share = parse_confidence(confidence)
    widths = parsing.parse_widths(width) if width else ()
    resolutions_px = parsing.parse_resolutions(resolution) if resolution else ()
    runs, errors = open_run_folders(folders).load()
    measured = [members for _, members in runs]
    grids = predict_grids(
        cells_of_runs(without_repeated(measured)),
        device=device,
        widths=widths,
        resolutions_px=resolutions_px,
        confidence=share,
    )
    if json:
        document = {"grids": [_document(grid) for grid in grids], "remarks": describe_repeated(measured)}
        print_json({**document, "errors": [error_document(error) for error in errors]})
    else:
        _print(grids)
        for remark in describe_repeated(measured):
            show(f"\n{remark}")
    show_errors(errors)
    predicted = any(one.figures for grid in grids for one in grid.predictions)
    complete = not any(grid.predictions for grid in grids)
    raise typer.Exit(0 if (predicted or complete) and not errors else 1)


def _print(grids: "Sequence[Grid]") -> None:
    """A table for each grid, how well it is predicted, and last what a prediction is."""
    from harness.analysis.prediction_text import describe_method, explain_fits, title
    from harness.cli.tables import print_table
    from reports.predicted import tabulate

    console = console_for()
    for grid in grids:
        print_table(console, title(grid), *tabulate(grid), droppable=("file MB", "peak RSS MB"))
        show("\n".join(explain_fits(grid)) + "\n")
    if any(one.figures for grid in grids for one in grid.predictions):
        show(describe_method(grids[0].confidence))


def _document(grid: "Grid") -> dict[str, object]:
    """A grid with what was measured and what was predicted in lists of their own."""
    from harness.analysis.prediction_text import command_for_more
    from harness.analysis.variant_labels import labelled_name

    placement = grid.placement
    return {
        "device": grid.machine,
        "clock": grid.device.clock,
        "precision": placement.precision,
        "threads": placement.threads,
        "cores": placement.cpus,
        "rate_hz": placement.rate_hz,
        "tuned": placement.tuned,
        "padding": placement.padding,
        "classes": placement.classes,
        "confidence": grid.confidence,
        "fits": grid.fits,
        "measured": [
            {
                "name": labelled_name(cell),
                "variant": cell.variant,
                "latency": cell.latency,
                "instructions_per_inference": cell.instructions_per_inference,
                "memory": cell.memory,
                "artifact_bytes": cell.artifact.size_bytes,
                "verdict": cell.verdict,
            }
            for cell in grid.cells
        ],
        "predicted": [prediction_document(one, grid.device.name) for one in grid.predictions],
        "more": shlex.join(command_for_more(grid)) if grid.predictions else None,
    }


def prediction_document(prediction: "Prediction", device: str) -> dict[str, object]:
    """A prediction with units in its names, and the command that would measure it."""
    from harness.analysis.next_run import run_command

    variant, figures = prediction.variant, prediction.figures
    width, side_px = variant.shape
    return {
        "source": "predicted",
        "variant": variant,
        "latency_ns": figures.get("latency"),
        "instructions_per_inference": figures.get("instructions"),
        "peak_rss_bytes": figures.get("peak memory"),
        "artifact_bytes": figures.get("file size"),
        "outside_range": prediction.outside_range,
        "measure": shlex.join(run_command(device, prediction.placement, (width,), (side_px,))),
    }
