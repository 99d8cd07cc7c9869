"""`harness train`."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import parsing
from harness.cli.application import GroupedCommand, app, examples, log, print_json, show
from harness.cli.option_checks import check_seed, checked
from harness.cli.options import Json, Quiet, Verbose
from harness.records import DEFAULT_RESOLUTION_PX, DEFAULT_WIDTH

DEFAULT_EPOCHS = 2


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness train -w 0.25 -r 64 --dataset fashion-mnist --epochs 2 --out w25-64.safetensors",
        "harness train --from w25-64.safetensors --freeze-backbone --dataset photos --out mine.safetensors",
        "harness train --from w25-64.safetensors --quantization-aware --dataset fashion-mnist"
        " --out w25-64-qat.safetensors",
    ),
)
def train(
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            metavar="DATASET[:SPLIT]",
            help="Images to train on, named as for `harness run --accuracy`.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="Checkpoint to write, .safetensors.")
    ],
    width: Annotated[
        str | None,
        typer.Option(
            "--width",
            "-w",
            callback=checked(parsing.parse_one_width),
            metavar="WIDTH",
            help=f"Width multiplier; default {DEFAULT_WIDTH}.",
        ),
    ] = None,
    resolution: Annotated[
        str | None,
        typer.Option(
            "--resolution",
            "-r",
            callback=checked(parsing.parse_one_resolution),
            metavar="PX",
            help=f"Input side in px; default {DEFAULT_RESOLUTION_PX}, or that of the weights in --from.",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=10_000,
            metavar="N",
            help=f"Passes over the training images; default {DEFAULT_EPOCHS}.",
        ),
    ] = None,
    start: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Trained weights to start from.")
    ] = None,
    freeze_backbone: Annotated[
        bool, typer.Option("--freeze-backbone", help="With --from: train only the new classifier.")
    ] = False,
    quantization_aware: Annotated[
        bool,
        typer.Option(
            "--quantization-aware",
            help="With --from: fine-tune with quantization-aware training to recover int8 accuracy; keeps"
            " the classes.",
        ),
    ] = False,
    padding: Annotated[
        str,
        typer.Option(
            "--padding",
            callback=checked(parsing.parse_padding),
            metavar="PADDING",
            help="symmetric or tf_same.",
        ),
    ] = "symmetric",
    seed: Annotated[
        int,
        typer.Option(
            callback=check_seed,
            metavar="N",
            help="Seed of the initial weights, the order of images and augmentation.",
        ),
    ] = 0,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train weights for a variant.

    After an interruption, the same command continues from the last saved state.

    Trains on the train split of the data set and reports top-1 accuracy on its test split. Without splits,
    a tenth of the images is kept for the test. Weights in --from get a new classifier, except with
    --quantization-aware.
    """
    from harness.cli import validation
    from harness.cli.console import show_progress
    from harness.cli.output_places import check_checkpoint
    from harness.system.extras import require_extra

    validation.check_training(
        start=start, epochs=epochs, freeze_backbone=freeze_backbone, quantization_aware=quantization_aware
    )
    checkpoint, chosen_padding = check_checkpoint(out), parsing.parse_padding(padding)
    one_width, one_resolution_px = parsing.parse_one_width(width), parsing.parse_one_resolution(resolution)
    require_extra("train", "training")
    # Only now: it imports torch, which takes seconds.
    from harness.accuracy.training import train as training

    order = training.TrainingOrder(
        dataset=dataset,
        out=checkpoint,
        width=one_width,
        resolution_px=one_resolution_px,
        epochs=epochs or DEFAULT_EPOCHS,
        start=start,
        freeze_backbone=freeze_backbone,
        quantization_aware=quantization_aware,
        padding=chosen_padding,
        seed=seed,
    )
    with show_progress(quiet=quiet, verbose=verbose) as listen:
        trained = training.train(order, listen)
    top1 = trained.top1
    if trained.caution:
        log(f"caution: {trained.caution}")
    if json:
        print_json(
            {"file": trained.file.resolve(), "precision": "fp32", "top1": top1, "images": trained.images}
        )
    else:
        show(
            f"{trained.file}: top-1 {top1.estimate:.1%} ({top1.low:.1%} to {top1.high:.1%}, 95 %)"
            f" of {trained.images} test images, in fp32, by PyTorch on this machine"
        )
        if quantization_aware:
            command = f"harness run --weights {shlex.quote(str(trained.file))} -p int8 --accuracy TEST_IMAGES"
            show(f"int8's accuracy is another; measure it with: {command}")
