"""`harness run`."""

import typer

from harness.cli.application import GroupedCommand, app, examples, log
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
    parse_budget,
)
from harness.cli.device_state_options import (
    CoolWithin,
    MaxCooling,
    MaxTemp,
    Sampler,
    TaskProfile,
    TuneDevice,
    Yes,
)
from harness.cli.inputs import given_options, parse_variants
from harness.cli.length_options import (
    Iterations,
    MaxMinutes,
    MaxRounds,
    MaxTime,
    MinTime,
    Processes,
    TargetPrecision,
    TimeLimit,
    Warmup,
)
from harness.cli.options import (
    AccuracyImages,
    AccuracyPlace,
    AllowUndelegated,
    CalibrationImages,
    CalibrationObserver,
    Classes,
    Devices,
    Json,
    LabAddress,
    PaddingOption,
    Precisions,
    Quiet,
    Resolutions,
    Runtimes,
    Verbose,
    WeightsFiles,
    Widths,
)
from harness.cli.run_options import (
    Against,
    AnyOf,
    Cold,
    Cores,
    DryRun,
    Energy,
    FailOnVerdict,
    Margin,
    Methods,
    PowerCommand,
    ProfileOperators,
    ProgramInputs,
    Programs,
    Rate,
    Resume,
    RunFolder,
    SearchOnly,
    Seed,
    Sustain,
    Threads,
    XnnpackOptions,
)


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness run --device pixel --width 0.5",
        "harness run -d emulator -w 0.25,0.5 -r 128 -p fp32,int8",
        "harness run -d pixel --weights w25.safetensors,w50.safetensors --accuracy fashion-mnist",
        "harness run -d pixel -w 0.25,0.5 -r 128,160 --max-latency 20ms --max-memory 40MB",
        "harness run -d pixel -w 0.25,0.5,0.75,1.0 -r 128,160,192,224 --max-latency 20ms --search",
        "harness run -d pixel -w 0.5 --threads auto --cores little,big",
        "harness run -d pixel -w 0.5 --rate 15,30",
        "harness run -d pixel -w 0.5 --cold --backend-options default,packed-cache",
        "harness run -d pixel -w 0.5,1.0 --sustain 10m",
        "harness run -d pi5 -w 0.25,0.5 -r 128,160 --energy --max-energy 5mJ",
        "harness run -d pixel -w 0.5 --against results/main",
        "harness run -d pixel -w 0.5 --runtime executorch,litert,onnxruntime",
        "harness run -d pixel --program segmenter.pte,detector.pte --max-latency 20ms",
        "harness run -d emulator --program encoder.pte --method encode --input photo.npz",
        "harness run -d pixel --tune-device --max-temp 35C --time-limit 30m",
        "harness run -d pixel -w 0.25,0.5,0.75,1.0 -r 128,160,192,224 --dry-run",
        "harness run --lab 10.7.0.1 -d pixel6,pi5,tag:phone -w 0.25,0.5",
        "harness run --lab 10.7.0.1 --any-of tag:pixel6 -w all -r all -p all",
        "harness run --resume results/demo",
    ),
)
def run(
    context: typer.Context,
    device: Devices = None,
    lab: LabAddress = None,
    any_of: AnyOf = None,
    program: Programs = None,
    method: Methods = None,
    inputs: ProgramInputs = None,
    width: Widths = None,
    resolution: Resolutions = None,
    precision: Precisions = "fp32,int8",
    runtime: Runtimes = "executorch",
    threads: Threads = "1",
    cores: Cores = None,
    rate: Rate = None,
    backend_options: XnnpackOptions = "default",
    weights: WeightsFiles = None,
    padding: PaddingOption = None,
    classes: Classes = None,
    seed: Seed = 0,
    allow_undelegated: AllowUndelegated = False,
    profile: ProfileOperators = False,
    cold: Cold = False,
    sustain: Sustain = None,
    energy: Energy = False,
    power_command: PowerCommand = None,
    against: Against = None,
    margin: Margin = None,
    processes: Processes = None,
    target_precision: TargetPrecision = "2%",
    max_rounds: MaxRounds = None,
    time_limit: TimeLimit = None,
    max_minutes: MaxMinutes = None,
    warmup: Warmup = None,
    iterations: Iterations = None,
    min_time: MinTime = None,
    max_time: MaxTime = None,
    tune_device: TuneDevice = False,
    task_profile: TaskProfile = None,
    max_temp: MaxTemp = None,
    cool_within: CoolWithin = None,
    max_cooling: MaxCooling = None,
    sampler: Sampler = None,
    accuracy: AccuracyImages = None,
    accuracy_on: AccuracyPlace = "device",
    calibrate: CalibrationImages = None,
    observer: CalibrationObserver = "histogram",
    max_latency: MaxLatency = None,
    max_p90: MaxP90 = None,
    max_p99: MaxP99 = None,
    max_startup: MaxStartup = None,
    max_instructions: MaxInstructions = None,
    max_memory: MaxMemory = None,
    max_size: MaxSize = None,
    max_energy: MaxEnergy = None,
    min_accuracy: MinAccuracy = None,
    search: SearchOnly = False,
    out: RunFolder = None,
    resume: Resume = None,
    fail_on: FailOnVerdict = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Lower, push, measure, report, and name the variant to ship.

    Each device runs the product of all lists. Each cell is saved as soon as it is measured. With a budget,
    the run ends with the answer of `harness pick`, and with exit code 1 if a device has no variant within
    the budget; without, with what each budget would buy. With --search, variants that cannot be the best are
    not measured: those larger than one over the budget, and those less accurate than one within it.

    With --against, the programs of an earlier run are measured again in the same rounds, and the run ends
    with exit code 1 if a cell is worse than its base, 3 if that is inconclusive.
    """
    from harness.cli import parsing, placement_parsing, program_options, quantity_options, validation
    from harness.cli.console import show_progress
    from harness.cli.made_requests import check_request
    from harness.cli.output_places import check_output_folder, check_run_folder, new_run_folder
    from harness.cli.run_folders import base_path
    from harness.cli.run_start import Start
    from harness.cli.summary import show_outcome
    from harness.cli.workplaces import lab_of, workplace_at
    from harness.records import RunRequest
    from harness.records.run_folder import read_run
    from harness.run import run as run_all
    from harness.system.paths import check_cache

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
    )
    command = parsing.parse_power_command(power_command)
    checked_status = parsing.parse_fail_on(fail_on)
    if resume is not None:
        validation.check_resumed(given_options(context))
        request = read_run(resume).request
        lab = lab_of(lab, request.lab)
    else:
        program_options.check_programs(given_options(context))
        variants = parse_variants(
            width=width,
            resolution=resolution,
            precision=precision,
            runtime=runtime,
            padding=padding,
            classes=classes,
            seed=seed,
            weights=weights,
            calibrate=calibrate,
            observer=observer,
            allow_undelegated=allow_undelegated,
        )
        request = RunRequest(
            **program_options.program_fields(program, method, inputs),
            **(program_options.without_network(variants) if program else variants),
            devices=parsing.parse_devices([*(device or []), *(any_of or [])]),
            any_of=parsing.parse_any_of(any_of or []),
            lab=lab,
            threads=placement_parsing.parse_thread_axis(threads),
            accuracy_dataset=accuracy,
            accuracy_on_host=parsing.parse_place(accuracy_on),
            cores=placement_parsing.parse_placements(cores or []),
            rates_hz=placement_parsing.parse_rates(rate) if rate is not None else (),
            backend_options=placement_parsing.parse_backend_options(backend_options),
            processes=processes,
            max_rounds=max_rounds,
            max_minutes=quantity_options.parse_time_limit(time_limit, max_minutes),
            target_precision=quantity_options.parse_precision_target(target_precision),
            warmup_iterations=warmup,
            min_iterations=iterations,
            min_seconds=quantity_options.parse_min_time(min_time),
            max_seconds=quantity_options.parse_max_time(max_time),
            profile=profile,
            cold=cold,
            sustain_seconds=quantity_options.parse_sustain(sustain),
            energy=validation.energy_by(energy=energy, command=command),
            against=base_path(against),
            sampler=sampler,
            tune_device=tune_device,
            task_profile=placement_parsing.parse_task_profile(task_profile),
            max_cooling_seconds=quantity_options.parse_cooling(max_cooling),
            cooled_within_celsius=quantity_options.parse_cool_within(cool_within),
            max_temp_celsius=quantity_options.parse_max_temp(max_temp),
            seed=seed,
        )
    if resume is None:
        check_run_folder(out)
    else:
        check_output_folder(resume, "--resume")
    check_cache()
    check_request(request, budget, search=search, power_command=command, lab=lab, beside_devices=bool(device))
    margins = validation.margins_of(request, quantity_options.parse_margin("--margin", margin))
    with workplace_at(lab, resume) as workplace:
        start = Start(
            resume=resume,
            out=out,
            dry_run=dry_run,
            yes=yes,
            fail_on=checked_status,
            search=search,
            budget=budget,
            json=json,
            quiet=quiet,
            survey=workplace.survey,
            group=workplace.group,
        )
        with show_progress(quiet=quiet, verbose=verbose) as listen:
            outcome = run_all(
                request,
                lambda: resume or new_run_folder(out),
                listen,
                log,
                classes=classes,
                fail_on=checked_status,
                budget=budget,
                search=search,
                margins=margins,
                power_command=command,
                begin=start.begin,
                workplace=workplace,
            )
    show_outcome(outcome, budget, json=json)
