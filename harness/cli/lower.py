"""`harness lower` and `harness train`."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.application import (
    AllowUndelegated,
    CalibrationImages,
    CalibrationObserver,
    Classes,
    Json,
    PaddingOption,
    Precisions,
    Quiet,
    Resolutions,
    WeightsFiles,
    Widths,
    app,
    console_for,
    examples,
)
from harness.cli.run import prepare_inputs


@app.command(epilog=examples("harness lower -w 0.25,0.5 -r 128 -p int8 --out artifacts"))
def lower(
    width: Widths = None,
    resolution: Resolutions = None,
    precision: Precisions = "fp32,int8",
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the .pte files go.")] = Path("artifacts"),
    weights: WeightsFiles = None,
    calibrate: CalibrationImages = None,
    observer: CalibrationObserver = "histogram",
    padding: PaddingOption = None,
    classes: Classes = None,
    seed: Annotated[int, typer.Option(help="Of the random weights.")] = 0,
    allow_undelegated: AllowUndelegated = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write only the .pte files."""
    from harness.cli import console, parsing
    from harness.records import RunRequest
    from harness.run import lower_to

    request = RunRequest(
        devices=(),
        widths=parsing.parse_widths(width) if width else () if weights else (1.0,),
        resolutions_px=parsing.parse_resolutions(resolution) if resolution else () if weights else (224,),
        precisions=parsing.parse_precisions(precision),
        threads=(1,),
        paddings=parsing.parse_paddings(padding or "symmetric"),
        classes=classes or 1000,
        weights=parsing.random_weights(seed),
        weights_files=parsing.parse_weights(weights or []),
        calibration_dataset=calibrate,
        observer=parsing.parse_observer(observer),
        allow_undelegated=allow_undelegated,
    )
    request, prepared = prepare_inputs(request, padding=padding, classes=classes)
    with console.show_progress(console_for(stderr=True), quiet=quiet) as listen:
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
        console.print_table(console_for(), "", ("file", "MB", "M MACs", "delegated nodes"), rows)
    for error in errors:
        console.print_error(console_for(stderr=True), error)
    raise typer.Exit(1 if errors else 0)


@app.command(
    epilog=examples(
        "harness train -w 0.25 -r 64 --dataset fashion-mnist --epochs 2 --out w25-64.safetensors",
        "harness train --from w25-64.safetensors --freeze-backbone --dataset photos --out mine.safetensors",
        "harness train --from w25-64.safetensors --quantization-aware --dataset fashion-mnist"
        " --out w25-64-qat.safetensors",
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
    start: Annotated[Path | None, typer.Option("--from", help="Weights to go on from.")] = None,
    freeze_backbone: Annotated[
        bool, typer.Option("--freeze-backbone", help="With --from: train the new classifier only.")
    ] = False,
    quantization_aware: Annotated[
        bool, typer.Option("--quantization-aware", help="With --from: same classes, learn to bear int8.")
    ] = False,
    padding: Annotated[str, typer.Option("--padding", help="symmetric or tf_same.")] = "symmetric",
    seed: Annotated[int, typer.Option(help="Of the first weights, order and augmentation.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Train weights for a variant.

    The same command goes on after an interruption.

    Trains on the data set's train split and tells top-1 on its test split; without splits, a tenth is held
    out to test on. Weights to go on from get a new classifier, except with --quantization-aware.
    """
    from harness.cli import console, parsing, validation

    validation.check_training(
        start=start, freeze_backbone=freeze_backbone, quantization_aware=quantization_aware
    )
    checkpoint, chosen_padding = parsing.check_checkpoint(out), parsing.parse_padding(padding)
    one_width, one_resolution_px = parsing.parse_one_width(width), parsing.parse_one_resolution(resolution)
    # Only now: it imports torch, which takes seconds.
    from harness.accuracy.training import train as training

    order = training.TrainingOrder(
        dataset=dataset,
        out=checkpoint,
        width=one_width,
        resolution_px=one_resolution_px,
        epochs=epochs,
        start=start,
        freeze_backbone=freeze_backbone,
        quantization_aware=quantization_aware,
        padding=chosen_padding,
        seed=seed,
    )
    with console.show_progress(console_for(stderr=True), quiet=quiet) as listen:
        trained = training.train(order, listen)
    top1 = trained.top1
    typer.echo(
        f"{trained.file}: top-1 {top1.estimate:.1%} ({top1.low:.1%} to {top1.high:.1%}, 95 %)"
        f" of {trained.images} test images, PyTorch on this machine"
    )
