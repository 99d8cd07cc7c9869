"""`harness lower`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.application import GroupedCommand, app, console_for, examples, log, print_json
from harness.cli.inputs import parse_variants
from harness.cli.option_checks import check_seed
from harness.cli.options import (
    OUTPUT,
    WHAT,
    AllowUndelegated,
    CalibrationObserver,
    CalibrationWithoutAccuracy,
    Classes,
    Json,
    PaddingOption,
    Precisions,
    Quiet,
    Resolutions,
    Runtimes,
    Verbose,
    WeightsFiles,
    Widths,
)

if TYPE_CHECKING:
    from harness.records import Artifact


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness lower -w 0.25,0.5 -r 128 -p int8 --out artifacts",
        "harness lower -w 0.5 -p fp32 --runtime onnxruntime",
    ),
)
def lower(
    width: Widths = None,
    resolution: Resolutions = None,
    precision: Precisions = "fp32,int8",
    runtime: Runtimes = "executorch",
    weights: WeightsFiles = None,
    padding: PaddingOption = None,
    classes: Classes = None,
    seed: Annotated[
        int,
        typer.Option(
            callback=check_seed,
            metavar="N",
            rich_help_panel=WHAT,
            help="Seed of the random weights.",
        ),
    ] = 0,
    allow_undelegated: AllowUndelegated = False,
    calibrate: CalibrationWithoutAccuracy = None,
    observer: CalibrationObserver = "histogram",
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="DIR", rich_help_panel=OUTPUT, help="Folder to write the programs to."
        ),
    ] = Path("artifacts"),
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write only the programs: .pte, .tflite or .onnx files."""
    from harness.accuracy.request_inputs import prepare_inputs
    from harness.cli import validation
    from harness.cli.console import show_progress
    from harness.cli.failures import error_document, show_errors
    from harness.cli.output_places import check_output_folder
    from harness.lowering.lower import lower_to
    from harness.records import RunRequest
    from harness.system.paths import check_cache

    request = RunRequest(
        **parse_variants(
            width=width,
            resolution=resolution,
            precision=precision,
            padding=padding,
            classes=classes,
            seed=seed,
            weights=weights,
            calibrate=calibrate,
            observer=observer,
            runtime=runtime,
            allow_undelegated=allow_undelegated,
        ),
        devices=(),
        threads=(1,),
    )
    check_output_folder(out)
    check_cache()
    validation.check_data_sets(request)
    validation.check_runtimes_of(request, search=False)
    with show_progress(quiet=quiet, verbose=verbose) as listen:
        request, prepared = prepare_inputs(request, log, classes=classes)
        inputs = prepared.inputs if prepared else None
        artifacts, errors = lower_to(request, out, listen, inputs=inputs)
    if json:
        print_json(
            {
                "folder": out.resolve(),
                "artifacts": artifacts,
                "errors": [error_document(error) for error in errors],
            }
        )
    else:
        _print_table(artifacts)
    show_errors(errors)
    raise typer.Exit(1 if errors else 0)


def _print_table(artifacts: "tuple[Artifact, ...]") -> None:
    from harness.analysis.runtimes import program_file
    from harness.cli.tables import print_table

    rows = [
        (
            program_file(a.variant),
            f"{a.size_bytes / 1e6:.2f}",
            f"{(a.macs or 0) / 1e6:.1f}",
            "" if a.delegated_nodes is None else f"{a.delegated_nodes}",
        )
        for a in artifacts
    ]
    print_table(console_for(), "", ("file", "MB", "M MACs", "delegated nodes"), rows)
