"""`harness run`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import GroupedCommand, app, examples, log
from harness.cli.inputs import given_options, parse_variants
from harness.cli.options import (
    DEVICE_STATE,
    HOW_LONG,
    OUTPUT,
    WHAT,
    AccuracyImages,
    AccuracyPlace,
    AllowUndelegated,
    CalibrationImages,
    CalibrationObserver,
    Classes,
    Devices,
    Json,
    PaddingOption,
    Precisions,
    Quiet,
    Resolutions,
    Verbose,
    WeightsFiles,
    Widths,
)


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness run --device pixel --width 0.5",
        "harness run -d emulator -w 0.25,0.5 -r 128 -p fp32,int8",
        "harness run -d pixel --weights w25.safetensors,w50.safetensors --accuracy fashion-mnist",
        "harness run -d pixel --tune-device --max-temp 35C --time-limit 30m",
        "harness run --resume results/demo",
    ),
)
def run(
    context: typer.Context,
    device: Devices = None,
    width: Widths = None,
    resolution: Resolutions = None,
    precision: Precisions = "fp32,int8",
    threads: Annotated[
        str,
        typer.Option(
            "--threads", "-t", metavar="LIST", rich_help_panel=WHAT, help="Thread counts, comma separated."
        ),
    ] = "1",
    cores: Annotated[
        str | None,
        typer.Option(
            "--cores",
            metavar="CORES",
            rich_help_panel=WHAT,
            help="Cores to run on: little, big, prime, all, or a list such as 4-7.",
        ),
    ] = None,
    weights: WeightsFiles = None,
    padding: PaddingOption = None,
    classes: Classes = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            rich_help_panel=WHAT,
            help="Seed of the random weights and of the order of measurement.",
        ),
    ] = 0,
    allow_undelegated: AllowUndelegated = False,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile", rich_help_panel=WHAT, help="Also time each operator, in a separate process."
        ),
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            metavar="N",
            rich_help_panel=HOW_LONG,
            help="Minimum number of fresh processes per cell; without --max-rounds, exactly this many.",
        ),
    ] = None,
    target_precision: Annotated[
        str,
        typer.Option(
            metavar="SHARE",
            rich_help_panel=HOW_LONG,
            help="Start more processes until the interval of each median is within ± this share.",
        ),
    ] = "2%",
    max_rounds: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, metavar="N", rich_help_panel=HOW_LONG, help="Maximum processes per cell."
        ),
    ] = None,
    time_limit: Annotated[
        str | None,
        typer.Option(
            "--time-limit",
            metavar="DURATION",
            rich_help_panel=HOW_LONG,
            help="Start no new process on a device after this time, such as 30m.",
        ),
    ] = None,
    max_minutes: Annotated[str | None, typer.Option("--max-minutes", hidden=True)] = None,
    warmup: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=100_000,
            metavar="N",
            rich_help_panel=HOW_LONG,
            help="Warm-up iterations per process.",
        ),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1_000_000,
            metavar="N",
            rich_help_panel=HOW_LONG,
            help="Minimum timed iterations per process.",
        ),
    ] = None,
    min_time: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            rich_help_panel=HOW_LONG,
            help="Minimum timed duration per process, such as 500ms; at most 1h.",
        ),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            rich_help_panel=HOW_LONG,
            help="Maximum timed duration per process, such as 5s; at most 1h.",
        ),
    ] = None,
    tune_device: Annotated[
        bool,
        typer.Option(
            "--tune-device",
            "--quiet-device",
            rich_help_panel=DEVICE_STATE,
            help="While measuring, keep the device awake and in its fixed-performance mode, and restore its"
            " settings afterwards. That mode holds a lower clock that can be sustained: right for comparing"
            " runs; before you pick by latency, read in the report which clock was held.",
        ),
    ] = False,
    max_temp: Annotated[
        str | None,
        typer.Option(
            metavar="TEMPERATURE",
            rich_help_panel=DEVICE_STATE,
            help="Before each process, wait until the device is at most this warm, such as 35C.",
        ),
    ] = None,
    cool_within: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=50,
            metavar="CELSIUS",
            rich_help_panel=DEVICE_STATE,
            help="Treat the device as cool within this many °C of its temperature before the first process;"
            " default 3.",
        ),
    ] = None,
    max_cooling: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            rich_help_panel=DEVICE_STATE,
            help="Maximum time to wait for the device to cool down before each process; default 2m.",
        ),
    ] = None,
    sampler: Annotated[
        bool | None,
        typer.Option(
            "--sampler/--no-sampler",
            rich_help_panel=DEVICE_STATE,
            help="Record clocks and temperatures while timing; default: if a core is free for it.",
        ),
    ] = None,
    accuracy: AccuracyImages = None,
    accuracy_on: AccuracyPlace = "device",
    calibrate: CalibrationImages = None,
    observer: CalibrationObserver = "histogram",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="DIR",
            rich_help_panel=OUTPUT,
            help="Run folder to write; default results/<UTC time>-<short id>.",
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            "--resume", metavar="DIR", rich_help_panel=OUTPUT, help="Continue the run in this run folder."
        ),
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar="suspect|invalid",
            rich_help_panel=OUTPUT,
            help="End with exit code 1 also if the verdict of a cell is this bad: suspect means suspect or"
            " invalid. By default only failed cells and wrong outputs end with 1. Cells of an emulator are"
            " always suspect.",
        ),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Lower, push, measure and report.

    Each device runs the product of all lists. Each cell is saved as soon as it is measured.
    """
    from harness.cli import parsing, quantity_options, validation
    from harness.cli.console import show_progress
    from harness.cli.summary import show_outcome
    from harness.records import RunRequest
    from harness.records.run_folder import read_run
    from harness.run import run as run_all

    checked_status = parsing.parse_fail_on(fail_on)
    if resume is not None:
        validation.check_resumed(given_options(context))
        request = read_run(resume).request
    else:
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
                allow_undelegated=allow_undelegated,
            ),
            devices=parsing.parse_devices(device or []),
            threads=parsing.parse_threads(threads),
            accuracy_dataset=accuracy,
            accuracy_on_host=parsing.parse_place(accuracy_on),
            cpus=parsing.parse_cores(cores),
            processes=processes,
            max_rounds=validation.check_rounds(processes, max_rounds),
            max_minutes=quantity_options.parse_time_limit(time_limit, max_minutes),
            target_precision=quantity_options.parse_precision_target(target_precision),
            warmup_iterations=warmup,
            min_iterations=iterations,
            min_seconds=(min_seconds := quantity_options.parse_timed(min_time, "--min-time")),
            max_seconds=validation.check_max_time(
                min_seconds, quantity_options.parse_timed(max_time, "--max-time")
            ),
            profile=profile,
            sampler=sampler,
            tune_device=tune_device,
            max_cooling_seconds=quantity_options.parse_cooling(max_cooling),
            cooled_within_celsius=cool_within,
            max_temp_celsius=quantity_options.parse_max_temp(max_temp),
            seed=seed,
        )
    validation.check_data_sets(request)
    with show_progress(quiet=quiet, verbose=verbose) as listen:
        outcome = run_all(
            request,
            lambda: resume or parsing.new_run_folder(out),
            listen,
            log,
            classes=classes,
            fail_on=checked_status,
        )
    show_outcome(outcome, json=json)
