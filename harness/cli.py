"""Commands; the only place that prints or exits."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.errors import HarnessError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.accuracy.preparation import Prepared
    from harness.devices.target import Target
    from harness.events import Listener
    from harness.records import Cell, RunRequest
    from harness.run import Outcome


def _examples(*commands: str) -> str:
    """The end of a command's help; \\b keeps the lines as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {command}" for command in commands)


app = typer.Typer(
    name="harness",
    help="Which MobileNetV1 to ship on a given ARM device: measured latency, memory and accuracy.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: drawing it with rich took twice as long as the 0.3 s that --help may take.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
bundle_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="The runner that is pushed to devices."
)
app.add_typer(bundle_app, name="bundle")

LOG_WIDTH = 120

# Options that several commands share.
Widths = Annotated[
    str | None,
    typer.Option(
        "--width", "-w", help="Width multipliers, comma separated; default 1.0, or those of --weights."
    ),
]
Resolutions = Annotated[
    str | None,
    typer.Option(
        "--resolution",
        "-r",
        help="Input sides in px, multiples of 32; default 224, or what --weights were trained at.",
    ),
]
WeightsFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--weights",
        help="Trained weights, comma separated: our own, PyTorch, TF-Slim, TFLite, Keras, Hugging Face.",
    ),
]
CalibrationImages = Annotated[
    str | None,
    typer.Option(
        "--calibrate",
        help="Data set whose images int8 is calibrated on; default the training split of --accuracy.",
    ),
]
AccuracyImages = Annotated[
    str | None,
    typer.Option(
        "--accuracy",
        metavar="DATASET[:SPLIT]",
        help="Measure accuracy as well: fashion-mnist, a folder, or folder:, imagenet:, idx:, hf:PLACE.",
    ),
]
AccuracyPlace = Annotated[
    str, typer.Option("--accuracy-on", help="device, or host: the same files here, for slow devices.")
]
Precisions = Annotated[str, typer.Option("--precision", "-p", help="fp32, int8 or both, comma separated.")]
PaddingOption = Annotated[
    str | None, typer.Option("--padding", help="symmetric or tf_same; default symmetric, or as in --weights.")
]
Classes = Annotated[
    int | None,
    typer.Option(
        "--classes", min=2, max=100_000, help="Outputs of the classifier; default 1000, or as in --weights."
    ),
]
AllowUndelegated = Annotated[
    bool, typer.Option("--allow-undelegated", help="Accept nodes that XNNPACK does not take.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
RunFolders = Annotated[list[Path], typer.Argument(help="Folders that `harness run` wrote.")]


@app.callback()
def _root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    context.obj = debug
    if version:
        import importlib.metadata

        typer.echo(f"harness {importlib.metadata.version('mobilenet-harness')}")
        raise typer.Exit


@app.command(
    epilog=_examples(
        "harness run --device pixel --width 0.5",
        "harness run -d emulator -w 0.25,0.5 -r 128 -p fp32,int8",
        "harness run -d pixel --weights w25.safetensors,w50.safetensors --accuracy fashion-mnist",
        "harness run --resume results/demo",
    )
)
def run(
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
    weights: WeightsFiles = None,
    calibrate: CalibrationImages = None,
    padding: PaddingOption = None,
    classes: Classes = None,
    seed: Annotated[int, typer.Option(help="Of the order of measurement and of random weights.")] = 0,
    allow_undelegated: AllowUndelegated = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Lower, push, measure, save and report; the product of all lists is run on each device."""
    from harness import options
    from harness.devices import inventory
    from harness.devices.kinds import check_target
    from harness.records import RunRequest
    from harness.results import read_run

    if resume is not None:
        request = read_run(resume).request
    else:
        request = RunRequest(
            devices=options.parse_devices(device or []),
            widths=options.parse_widths(width) if width else () if weights else (1.0,),
            resolutions_px=options.parse_resolutions(resolution) if resolution else () if weights else (224,),
            precisions=options.parse_precisions(precision),
            threads=options.parse_threads(threads),
            padding=options.parse_padding(padding or "symmetric"),
            classes=classes or 1000,
            weights=options.random_weights(seed),
            weights_files=options.parse_weights(weights or []),
            calibration_dataset=calibrate,
            accuracy_dataset=accuracy,
            accuracy_on_host=options.parse_place(accuracy_on),
            cpus=options.parse_cores(cores),
            processes=processes,
            max_rounds=options.check_rounds(processes, max_rounds),
            max_minutes=max_minutes,
            target_precision=options.parse_precision_target(target_precision),
            warmup_iterations=warmup,
            min_iterations=iterations,
            min_seconds=min_time,
            max_seconds=max_time,
            profile=profile,
            seed=seed,
            allow_undelegated=allow_undelegated,
        )
    targets = inventory.resolve(request.devices)
    for target in targets:
        check_target(target)
    request, prepared = _prepare(request, padding=padding, classes=classes)
    folder = resume or options.new_run_folder(out)
    _run(request, prepared, targets, folder, json=json, quiet=quiet)


def _prepare(
    request: "RunRequest", *, padding: str | None = None, classes: int | None = None
) -> "tuple[RunRequest, Prepared | None]":
    """Load the weights a request names, if any; it then says which data set int8 is calibrated on."""
    from harness import options

    options.check_data_sets(request)
    if not request.weights_files:
        return request, None
    import msgspec

    from harness.accuracy.preparation import find_training_split, prepare

    if request.accuracy_dataset and not request.calibration_dataset:
        training = find_training_split(request.accuracy_dataset)
        request = msgspec.structs.replace(request, calibration_dataset=training)
    wanted = options.parse_padding(padding) if padding else None
    return request, prepare(request, _say, padding=wanted, classes=classes)


def _run(
    request: "RunRequest",
    prepared: "Prepared | None",
    targets: "tuple[Target, ...]",
    folder: Path,
    *,
    json: bool,
    quiet: bool,
) -> None:
    from harness import display
    from harness.run import run as run_cells

    inputs = prepared.inputs if prepared else None
    with display.show_progress(_console(stderr=True), quiet=quiet) as listen:
        outcome = run_cells(request, targets, folder, listen, inputs=inputs)
    if prepared:
        with display.show_progress(_console(stderr=True), quiet=quiet) as listen:
            outcome = _evaluate(request, prepared, targets, outcome, listen)
    _show_outcome(outcome, json=json)


def _evaluate(
    request: "RunRequest",
    prepared: "Prepared",
    targets: "tuple[Target, ...]",
    outcome: "Outcome",
    listen: "Listener",
) -> "Outcome":
    """Add accuracy to the cells of a run folder."""
    import dataclasses

    from harness.devices import inventory
    from harness.evaluating import evaluate_run
    from harness.results import read_cells

    on_host = request.accuracy_on_host
    places = inventory.resolve(("host",)) if on_host else targets
    errors = evaluate_run(outcome.folder, prepared, places, listen, on_host=on_host)
    cells = read_cells(outcome.folder)
    return dataclasses.replace(outcome, cells=cells, errors=(*outcome.errors, *errors))


def _show_outcome(outcome: "Outcome", *, json: bool) -> None:
    """The report, and a table or one JSON document; ends the command with its exit code."""
    from harness import display

    folder = outcome.folder
    report = _report([folder], folder / "report") if outcome.cells else None
    if json:
        _print_json(outcome, report)
    else:
        _show_summary(outcome.cells)
        if report:
            _console().print(f"report: {report}", soft_wrap=True, highlight=False, markup=False)
    for error in outcome.errors:
        display.print_error(_console(stderr=True), error)
    raise typer.Exit(outcome.errors[0].exit_code if outcome.errors else 0)


def _print_json(outcome: "Outcome", report: Path | None) -> None:
    import msgspec

    document = {
        "folder": str(outcome.folder.resolve()),
        "report": str(report.resolve()) if report else None,
        "cells": outcome.cells,
        "errors": [str(error) for error in outcome.errors],
    }
    typer.echo(msgspec.json.encode(document).decode())


def _show_summary(cells: "tuple[Cell, ...]") -> None:
    """One table a device, then what their marks mean."""
    from harness import display
    from reports.tables import summarise

    console = _console()
    notes: dict[str, None] = {}
    for info in dict.fromkeys(cell.device for cell in cells):
        table = summarise([cell for cell in cells if cell.device == info])
        verdicts = [row.cells[-1] for row in table.rows]
        display.print_table(
            console,
            f"{info.name}: {info.model}",
            table.columns,
            [(*row.cells[:-1], row.cells[-1].partition(":")[0]) for row in table.rows],
            droppable=("MACs M", "threads", "file MB", "p90 ms"),
        )
        for verdict in dict.fromkeys(verdict for verdict in verdicts if ":" in verdict):
            names = [" ".join(row.cells[:2]) for row in table.rows if row.cells[-1] == verdict]
            which = "all" if len(names) == len(verdicts) else ", ".join(names)
            console.print(f"{verdict} ({which})", markup=False, highlight=False)
        console.print()
        notes |= dict.fromkeys(table.notes)
    for note in notes:
        console.print(note, style="dim", markup=False, highlight=False)


def _report(folders: list[Path], out: Path) -> Path:
    from harness.results import load_runs
    from reports.report import write_report

    return write_report(load_runs(folders), out)


@app.command(epilog=_examples("harness lower -w 0.25,0.5 -r 128 -p int8 --out artifacts"))
def lower(
    width: Widths = None,
    resolution: Resolutions = None,
    precision: Precisions = "fp32,int8",
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the .pte files go.")] = Path("artifacts"),
    weights: WeightsFiles = None,
    calibrate: CalibrationImages = None,
    padding: PaddingOption = None,
    classes: Classes = None,
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
    allow_undelegated: AllowUndelegated = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write only the .pte files."""
    from harness import display, options
    from harness.records import RunRequest
    from harness.run import lower_to

    request = RunRequest(
        devices=(),
        widths=options.parse_widths(width) if width else () if weights else (1.0,),
        resolutions_px=options.parse_resolutions(resolution) if resolution else () if weights else (224,),
        precisions=options.parse_precisions(precision),
        threads=(1,),
        padding=options.parse_padding(padding or "symmetric"),
        classes=classes or 1000,
        weights=options.random_weights(seed),
        weights_files=options.parse_weights(weights or []),
        calibration_dataset=calibrate,
        allow_undelegated=allow_undelegated,
    )
    request, prepared = _prepare(request, padding=padding, classes=classes)
    with display.show_progress(_console(stderr=True), quiet=quiet) as listen:
        inputs = prepared.inputs if prepared else None
        artifacts, errors = lower_to(request, out, listen, inputs=inputs)
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(artifacts).decode())
    else:
        rows = [
            (
                a.variant.name + ".pte",
                f"{a.size_bytes / 1e6:.2f}",
                f"{a.macs / 1e6:.1f}",
                f"{a.delegated_nodes}",
            )
            for a in artifacts
        ]
        display.print_table(_console(), "", ("file", "MB", "M MACs", "delegated nodes"), rows)
    for error in errors:
        display.print_error(_console(stderr=True), error)
    raise typer.Exit(1 if errors else 0)


@app.command(
    epilog=_examples(
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
    """Measure the accuracy of the very files a run timed, on its devices, and write its report again.

    What was evaluated before is kept; --accuracy and --weights default to what the run was given.
    """
    import msgspec

    from harness import display, options
    from harness.devices import inventory
    from harness.devices.kinds import check_target
    from harness.results import load_run
    from harness.run import Outcome

    saved, cells = load_run(folder)
    known = saved.request
    request = msgspec.structs.replace(
        known,
        devices=options.parse_devices(device or []) or known.devices,
        weights_files=options.parse_weights(weights or []) or known.weights_files,
        accuracy_dataset=accuracy or known.accuracy_dataset,
        accuracy_on_host=options.parse_place(accuracy_on),
    )
    options.check_evaluation(request)
    targets = () if request.accuracy_on_host else inventory.resolve(request.devices)
    for target in targets:
        check_target(target)
    from harness.accuracy.preparation import prepare

    prepared = prepare(request, lambda _: None)
    with display.show_progress(_console(stderr=True), quiet=quiet) as listen:
        outcome = _evaluate(request, prepared, targets, Outcome(folder, cells, ()), listen)
    _show_outcome(outcome, json=json)


@app.command(
    epilog=_examples(
        "harness train -w 0.25 -r 64 --dataset fashion-mnist --epochs 2 --out w25-64.safetensors",
        "harness train --from w25-64.safetensors --freeze-backbone --dataset photos --out mine.safetensors",
    )
)
def train(
    dataset: Annotated[str, typer.Option("--dataset", metavar="DATASET", help="As --accuracy of run.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The checkpoint to write, .safetensors.")],
    width: Annotated[str | None, typer.Option("--width", "-w", help="Width multiplier, default 1.0.")] = None,
    resolution: Annotated[
        str | None, typer.Option("--resolution", "-r", help="Input side in px, default 224 or as in --from.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, max=10_000, help="Passes over the training images.")] = 2,
    start: Annotated[
        Path | None, typer.Option("--from", help="Weights to go on from, under a new classifier.")
    ] = None,
    freeze_backbone: Annotated[
        bool, typer.Option("--freeze-backbone", help="With --from: train the new classifier only.")
    ] = False,
    padding: Annotated[str, typer.Option("--padding", help="symmetric or tf_same.")] = "symmetric",
    seed: Annotated[int, typer.Option(help="Of the first weights, order and augmentation.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Train weights for a variant; the same command goes on after an interruption.

    Trains on the data set's train split and tells top-1 on its test split; without splits, a tenth is held
    out to test on.
    """
    from harness import display, options

    order = options.TrainingOrder(
        dataset=dataset,
        out=options.check_checkpoint(out),
        width=options.parse_one_width(width),
        resolution_px=options.parse_one_resolution(resolution),
        epochs=epochs,
        start=start,
        freeze_backbone=freeze_backbone,
        padding=options.parse_padding(padding),
        seed=seed,
    )
    options.check_training(order)
    from harness.teaching import train as train_network

    with display.show_progress(_console(stderr=True), quiet=quiet) as listen:
        trained = train_network(order, listen)
    top1 = trained.top1
    typer.echo(
        f"{trained.file}: top-1 {top1.estimate:.1%} ({top1.low:.1%} to {top1.high:.1%}, 95 %)"
        f" of {trained.images} test images, PyTorch on this machine"
    )


@app.command(epilog=_examples("harness report results/20260101T120000Z-ab12cd --out report"))
def report(
    folders: RunFolders,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Report folder; default report/ in the first run folder."),
    ] = None,
) -> None:
    """Write the report again from saved results; several run folders become one report."""
    typer.echo(_report(folders, out or folders[0] / "report"))


@app.command(
    epilog=_examples("harness pick results/demo --max-latency 20ms --max-memory 40MB --min-accuracy 60%")
)
def pick(
    folders: RunFolders,
    max_latency: Annotated[str | None, typer.Option(help="Such as 20ms.")] = None,
    max_instructions: Annotated[str | None, typer.Option(help="Such as 60M, for emulated devices.")] = None,
    max_memory: Annotated[str | None, typer.Option(help="Peak RSS, such as 40MB.")] = None,
    max_size: Annotated[str | None, typer.Option(help="Of the .pte file, such as 5MB.")] = None,
    min_accuracy: Annotated[str | None, typer.Option(help="Top-1, such as 60%.")] = None,
    device: Annotated[str | None, typer.Option("--device", "-d", help="Of the runs' devices.")] = None,
) -> None:
    """Name the best variant within a budget."""
    from harness import pick as picking
    from harness.quantities import parse_count, parse_share, parse_size, parse_time
    from harness.results import load_runs

    cells = tuple(cell for _, cells in load_runs(folders) for cell in cells)
    choice = picking.pick(
        cells,
        max_latency_ns=parse_time(max_latency) if max_latency else None,
        max_instructions=parse_count(max_instructions) if max_instructions else None,
        max_memory_bytes=parse_size(max_memory) if max_memory else None,
        max_size_bytes=parse_size(max_size) if max_size else None,
        min_accuracy=parse_share(min_accuracy) if min_accuracy else None,
        device=device,
    )
    typer.echo(picking.explain(choice))
    raise typer.Exit(0 if choice.best else 1)


@app.command(
    epilog=_examples("harness compare results/main results/branch --margin 3% --markdown > comment.md")
)
def compare(
    base: Annotated[Path, typer.Argument(help="The run folder to compare with.")],
    new: Annotated[Path, typer.Argument(help="The run folder that may be worse.")],
    margin: Annotated[str, typer.Option(help="How much slower still counts as no worse.")] = "3%",
    across: Annotated[
        bool, typer.Option("--across", help="Compare although device, plan or versions differ.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="For a pull request.")] = False,
    json: Json = False,
) -> None:
    """Tell whether NEW is worse: exit code 0 no worse, 1 worse, 3 inconclusive."""
    from harness import comparison_text, display
    from harness.compare import EXIT_CODES
    from harness.compare import compare as compare_cells
    from harness.quantities import parse_share
    from harness.results import load_run

    comparison = compare_cells(load_run(base)[1], load_run(new)[1], margin=parse_share(margin), across=across)
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(comparison).decode())
    elif markdown:
        typer.echo(comparison_text.to_markdown(comparison))
    else:
        display.print_table(_console(), "", comparison_text.HEADINGS, comparison_text.to_rows(comparison))
        typer.echo(comparison_text.summarize(comparison))
    raise typer.Exit(EXIT_CODES[comparison.finding])


@app.command()
def devices(
    json: Json = False,
    example: Annotated[bool, typer.Option("--example", help="Print an example devices.toml.")] = False,
    clean: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="End our processes on a device and remove all we pushed."),
    ] = None,
) -> None:
    """List what is attached, configured in devices.toml and built in."""
    from harness import display
    from harness.devices import inventory

    if example:
        typer.echo(inventory.EXAMPLE, nl=False)
        return
    if clean is not None:
        _clean(clean)
        return
    listed = inventory.list_known()
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(listed).decode())
        return
    rows = [(entry.name, entry.kind, entry.transport, entry.address, entry.state) for entry in listed]
    display.print_table(_console(), "", ("name", "kind", "transport", "address", "state"), rows)


def _clean(name: str) -> None:
    from harness.devices import inventory
    from harness.devices.cleaning import clean
    from harness.devices.kinds import check_target, open_device
    from harness.locks import hold_device

    for target in inventory.resolve((name,)):
        check_target(target)
        with hold_device(target, _say), open_device(target, _say) as device:
            cleaned = clean(device)
        typer.echo(
            f"{target.name}: removed {cleaned.freed_bytes / 1e6:.1f} MB from {cleaned.folder}, "
            f"{cleaned.jobs} job{'' if cleaned.jobs == 1 else 's'} among it"
        )


def _say(text: str) -> None:
    typer.echo(text, err=True)


@app.command(epilog="Example:  harness doctor pixel")
def doctor(
    name: Annotated[str | None, typer.Argument(help="A device; without it, only this machine.")] = None,
    json: Json = False,
) -> None:
    """Tell what would spoil a measurement, and the mend: exit code 0 fit, 4 unfit."""
    from harness import display
    from harness.devices import inventory
    from harness.doctor import examine

    targets = inventory.resolve((name,)) if name else (None,)
    diagnoses = tuple(dict.fromkeys(found for target in targets for found in examine(target, _say)))
    if json:
        import msgspec

        typer.echo(msgspec.json.encode(diagnoses).decode())
    else:
        rows = [(d.subject, d.what, d.level, d.detail) for d in diagnoses]
        display.print_table(_console(), "", ("of", "what", "", "found"), rows)
        for diagnosis in diagnoses:
            if diagnosis.mend:
                typer.echo(f"{diagnosis.subject}, {diagnosis.what}: {diagnosis.mend}")
    raise typer.Exit(4 if any(diagnosis.level == "unfit" for diagnosis in diagnoses) else 0)


@bundle_app.command("build")
def bundle_build() -> None:
    """Build the runner for arm64 and x86-64 now, unless it is there."""
    from harness.bundle import ABIS, ensure_bundle

    for abi in ABIS:
        typer.echo(f"{abi}: {ensure_bundle(abi).folder}")


@bundle_app.command("export")
def bundle_export(file: Annotated[Path, typer.Argument(help="The file to write, .tar.gz.")]) -> None:
    """Write the built runners to one file, for hosts without a compiler."""
    from harness.bundle import export_bundles

    export_bundles(file)
    typer.echo(file)


@bundle_app.command("import")
def bundle_import(
    file: Annotated[Path, typer.Argument(help="A file that `harness bundle export` wrote.")],
) -> None:
    """Take the runners from such a file instead of building them."""
    from harness.bundle import import_bundles

    import_bundles(file)


def _console(*, stderr: bool = False) -> "Console":
    from rich.console import Console

    console = Console(stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = LOG_WIDTH
    return console


def main() -> None:
    """Run a command; errors become one readable block on stderr and the contract's exit code."""
    try:
        app()
    except HarnessError as error:
        if "--debug" in sys.argv:
            raise
        from harness.display import print_error

        print_error(_console(stderr=True), error)
        sys.exit(error.exit_code)
