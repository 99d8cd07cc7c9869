"""`harness run` and `harness evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.application import (
    AccuracyImages,
    AccuracyPlace,
    AllowUndelegated,
    CalibrationImages,
    CalibrationObserver,
    Classes,
    CoolWithin,
    Json,
    MaxCooling,
    PaddingOption,
    Precisions,
    Quiet,
    Resolutions,
    Sampler,
    TuneDevice,
    WeightsFiles,
    Widths,
    app,
    console_for,
    examples,
    say,
)
from harness.cli.summary import show_outcome

if TYPE_CHECKING:
    from harness.accuracy.preparation import Prepared
    from harness.devices.target import Target
    from harness.records import RunRequest
    from harness.run import Outcome
    from harness.system.progress import Listener


@app.command(
    epilog=examples(
        "harness run --device pixel --width 0.5",
        "harness run -d emulator -w 0.25,0.5 -r 128 -p fp32,int8",
        "harness run -d pixel --weights w25.safetensors,w50.safetensors --accuracy fashion-mnist",
        "harness run --resume results/demo",
    )
)
def run(
    context: typer.Context,
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device", "-d", help="Name, ADB serial, host:port, part of a model; `harness devices`."
        ),
    ] = None,
    width: Widths = None,
    resolution: Resolutions = None,
    precision: Precisions = "fp32,int8",
    threads: Annotated[str, typer.Option("--threads", "-t", help="Thread counts, comma separated.")] = "1",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Run folder; default results/<UTC time>-<short id>.")
    ] = None,
    resume: Annotated[Path | None, typer.Option("--resume", help="Go on in this run folder.")] = None,
    accuracy: AccuracyImages = None,
    accuracy_on: AccuracyPlace = "device",
    processes: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, help="Least fresh processes a cell; without --max-rounds exactly so many."
        ),
    ] = None,
    target_precision: Annotated[
        str, typer.Option(help="Rounds go on until each median is known within ± this.")
    ] = "2%",
    max_rounds: Annotated[int | None, typer.Option(min=1, max=1000, help="Most processes a cell.")] = None,
    max_minutes: Annotated[
        float | None, typer.Option(min=0, help="Start no further process on a device after so many.")
    ] = None,
    warmup: Annotated[int | None, typer.Option(min=0, max=100_000, help="Warm-up iterations.")] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Least timed iterations.")
    ] = None,
    min_time: Annotated[float | None, typer.Option(min=0, max=3600, help="Least timed seconds.")] = None,
    max_time: Annotated[float | None, typer.Option(min=0, max=3600, help="Most timed seconds.")] = None,
    cores: Annotated[
        str | None,
        typer.Option("--cores", "--cpus", help="Cores to run on: little, big, prime, all, or such as 4-7."),
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Also time each operator, in a process of its own.")
    ] = False,
    max_cooling: MaxCooling = None,
    cool_within: CoolWithin = None,
    sampler: Sampler = None,
    tune_device: TuneDevice = False,
    weights: WeightsFiles = None,
    calibrate: CalibrationImages = None,
    observer: CalibrationObserver = "histogram",
    padding: PaddingOption = None,
    classes: Classes = None,
    seed: Annotated[int, typer.Option(help="Of the order of measurement and of random weights.")] = 0,
    allow_undelegated: AllowUndelegated = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Lower, push, measure and report.

    The product of all lists is run on each device; each cell is saved as soon as it is measured.
    """
    from harness.cli import parsing, validation
    from harness.cli.units import parse_wait
    from harness.devices import inventory
    from harness.devices.kinds import check_target
    from harness.records import RunRequest
    from harness.records.run_folder import read_run

    if resume is not None:
        validation.check_resumed(given_options(context))
        request = read_run(resume).request
    else:
        request = RunRequest(
            devices=parsing.parse_devices(device or []),
            widths=parsing.parse_widths(width) if width else () if weights else (1.0,),
            resolutions_px=parsing.parse_resolutions(resolution) if resolution else () if weights else (224,),
            precisions=parsing.parse_precisions(precision),
            threads=parsing.parse_threads(threads),
            paddings=parsing.parse_paddings(padding or "symmetric"),
            classes=classes or 1000,
            weights=parsing.random_weights(seed),
            weights_files=parsing.parse_weights(weights or []),
            calibration_dataset=calibrate,
            observer=parsing.parse_observer(observer),
            accuracy_dataset=accuracy,
            accuracy_on_host=parsing.parse_place(accuracy_on),
            cpus=parsing.parse_cores(cores),
            processes=processes,
            max_rounds=validation.check_rounds(processes, max_rounds),
            max_minutes=max_minutes,
            target_precision=parsing.parse_precision_target(target_precision),
            warmup_iterations=warmup,
            min_iterations=iterations,
            min_seconds=min_time,
            max_seconds=validation.check_max_time(min_time, max_time),
            profile=profile,
            sampler=sampler,
            tune_device=tune_device,
            max_cooling_seconds=parse_wait(max_cooling) if max_cooling else None,
            cooled_within_celsius=cool_within,
            seed=seed,
            allow_undelegated=allow_undelegated,
        )
    targets = inventory.resolve(request.devices)
    for target in targets:
        check_target(target)
    request, prepared = prepare_inputs(request, padding=padding, classes=classes)
    folder = resume or parsing.new_run_folder(out)
    _run(request, prepared, targets, folder, json=json, quiet=quiet)


def given_options(context: typer.Context) -> tuple[str, ...]:
    """Options that stand on the command line, as `--name`."""
    return tuple(
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name
        and (source := context.get_parameter_source(parameter.name))
        and source.name == "COMMANDLINE"
    )


def prepare_inputs(
    request: "RunRequest", *, padding: str | None = None, classes: int | None = None
) -> "tuple[RunRequest, Prepared | None]":
    """Load the weights a request names, if any; it then says which data set int8 is calibrated on."""
    from harness.cli import parsing, validation

    validation.check_data_sets(request)
    if not request.weights_files:
        return request, None
    import msgspec

    from harness.accuracy.preparation import find_training_split, prepare

    if request.accuracy_dataset and not request.calibration_dataset:
        training = find_training_split(request.accuracy_dataset)
        request = msgspec.structs.replace(request, calibration_dataset=training)
    wanted = parsing.parse_paddings(padding) if padding else ()
    return request, prepare(request, say, paddings=wanted, classes=classes)


def _run(
    request: "RunRequest",
    prepared: "Prepared | None",
    targets: "tuple[Target, ...]",
    folder: Path,
    *,
    json: bool,
    quiet: bool,
) -> None:
    from harness.cli import console
    from harness.run import run as run_cells

    inputs = prepared.inputs if prepared else None
    with console.show_progress(console_for(stderr=True), quiet=quiet) as listen:
        outcome = run_cells(request, targets, folder, listen, inputs=inputs)
    if prepared:
        with console.show_progress(console_for(stderr=True), quiet=quiet) as listen:
            outcome = _evaluate(request, prepared, targets, outcome, listen)
    show_outcome(outcome, json=json)


def _evaluate(
    request: "RunRequest",
    prepared: "Prepared",
    targets: "tuple[Target, ...]",
    outcome: "Outcome",
    listen: "Listener",
) -> "Outcome":
    """Add accuracy to the cells of a run folder."""
    import dataclasses

    from harness.accuracy.evaluate import evaluate_run
    from harness.devices import inventory
    from harness.records.run_folder import read_cells

    on_host = request.accuracy_on_host
    places = inventory.resolve(("host",)) if on_host else targets
    errors = evaluate_run(outcome.folder, prepared, places, listen, on_host=on_host)
    cells = read_cells(outcome.folder)
    return dataclasses.replace(outcome, cells=cells, errors=(*outcome.errors, *errors))


@app.command(
    epilog=examples(
        "harness evaluate results/demo --accuracy fashion-mnist",
        "harness evaluate results/demo --accuracy imagenet:/data/ilsvrc --accuracy-on host",
    )
)
def evaluate(
    folder: Annotated[Path, typer.Argument(help="A folder that `harness run --weights` wrote.")],
    accuracy: AccuracyImages = None,
    accuracy_on: AccuracyPlace = "device",
    weights: WeightsFiles = None,
    device: Annotated[
        list[str] | None, typer.Option("--device", "-d", help="Of the run's devices; default all of them.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure the accuracy of the files a run timed.

    The very same files run on its devices, and its report is written again.

    What was evaluated before is kept; --accuracy and --weights default to what the run was given.
    """
    import msgspec

    from harness.cli import console, parsing, validation
    from harness.devices import inventory
    from harness.devices.kinds import check_target
    from harness.records.run_folder import load_run
    from harness.run import Outcome

    saved, cells = load_run(folder)
    known = saved.request
    request = msgspec.structs.replace(
        known,
        devices=parsing.parse_devices(device or []) or known.devices,
        weights_files=parsing.parse_weights(weights or []) or known.weights_files,
        accuracy_dataset=accuracy or known.accuracy_dataset,
        accuracy_on_host=parsing.parse_place(accuracy_on),
    )
    validation.check_evaluation(request)
    targets = () if request.accuracy_on_host else inventory.resolve(request.devices)
    if device:
        validation.check_measured((target.name for target in targets), (cell.device.name for cell in cells))
    for target in targets:
        check_target(target)
    from harness.accuracy.preparation import prepare

    prepared = prepare(request, lambda _: None)
    with console.show_progress(console_for(stderr=True), quiet=quiet) as listen:
        outcome = _evaluate(request, prepared, targets, Outcome(folder, cells, ()), listen)
    show_outcome(outcome, json=json)
