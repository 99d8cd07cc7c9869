"""`harness evaluate`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import parsing
from harness.cli.application import GroupedCommand, app, examples, log
from harness.cli.option_checks import checked_list
from harness.cli.options import (
    WHAT,
    AccuracyImages,
    AccuracyPlace,
    Json,
    LabAddress,
    Quiet,
    Verbose,
    WeightsOfRun,
)


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness evaluate results/demo --accuracy fashion-mnist",
        "harness evaluate results/demo --accuracy imagenet:/data/ilsvrc --accuracy-on host",
        "harness evaluate results/demo --accuracy imagenet:/data/ilsvrc --lab 10.7.0.1",
    ),
)
def evaluate(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that `harness run --weights` wrote.")
    ],
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device",
            "-d",
            callback=checked_list(parsing.parse_devices),
            metavar="NAMES",
            rich_help_panel=WHAT,
            help="Devices of the run, comma separated; default all of them.",
        ),
    ] = None,
    weights: WeightsOfRun = None,
    accuracy: AccuracyImages = None,
    accuracy_on: AccuracyPlace = "device",
    lab: LabAddress = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Measure the accuracy of the same files that a run timed.

    The files run on the devices of the run, and the report of the run is written again.

    Finished evaluations are kept. --accuracy and --weights default to those of the run.
    """
    import msgspec

    from harness.cli import validation
    from harness.cli.console import show_progress
    from harness.cli.output_places import check_output_folder
    from harness.cli.run_folders import refuse_url
    from harness.cli.summary import show_outcome
    from harness.cli.workplaces import check_lab, lab_of, workplace_at
    from harness.measuring.run_outcome import Outcome
    from harness.measuring.run_report import report_run
    from harness.records.run_folder import load_run
    from harness.system.extras import require_extra
    from harness.system.folder_lock import only_writer
    from harness.system.paths import check_cache

    refuse_url(folder, "DIR")
    saved, cells = load_run(folder)
    check_output_folder(folder, "DIR")
    known = saved.request
    request = msgspec.structs.replace(
        known,
        devices=parsing.parse_devices(device or []) or known.devices,
        weights_files=parsing.parse_weights(weights or []) or known.weights_files,
        accuracy_dataset=accuracy or known.accuracy_dataset,
        accuracy_on_host=parsing.parse_place(accuracy_on),
    )
    check_cache()
    validation.check_evaluation(request)
    lab = None if request.accuracy_on_host else lab_of(lab, known.lab)
    check_lab(request, lab)
    with workplace_at(lab, None if device else folder) as workplace:
        places = workplace.resolve(("host",) if request.accuracy_on_host else request.devices, log)
        targets = () if request.accuracy_on_host else places
        if device:
            validation.check_measured(
                (target.name for target in targets), (cell.device.name for cell in cells)
            )
        require_extra("lower", "evaluating a network")
        # Only now: they import torch, which takes seconds.
        from harness.accuracy.evaluate import evaluate as evaluate_cells
        from harness.accuracy.preparation import prepare

        prepared = prepare(request, lambda _: None)
        with only_writer(folder), show_progress(quiet=quiet, verbose=verbose) as listen:
            outcome = evaluate_cells(
                Outcome(folder, cells, ()),
                prepared,
                targets,
                listen,
                on_host=request.accuracy_on_host,
                workplace=workplace,
            )
            outcome = outcome.followed_by(lambda o: report_run(o, log))
    show_outcome(outcome, json=json)
