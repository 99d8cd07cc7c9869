"""The options that several commands share, each below the heading it has in --help."""

from typing import Annotated, Any

import typer

from harness.analysis.precisions import PRECISIONS
from harness.analysis.runtimes import RUNTIMES
from harness.cli import parsing
from harness.cli.application import show_steps
from harness.cli.option_checks import checked, checked_list
from harness.records import DEFAULT_CLASSES, DEFAULT_RESOLUTION_PX, DEFAULT_WIDTH

WHAT = "What to measure"
HOW_LONG = "How long"
DEVICE_STATE = "Device state"
ACCURACY = "Accuracy"
OUTPUT = "Output"

Devices = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        "-d",
        callback=checked_list(parsing.parse_devices),
        metavar="NAMES",
        rich_help_panel=WHAT,
        help="Device names, ADB serials, host:port or part of a model, comma separated;"
        " `harness devices` lists them.",
    ),
]
Widths = Annotated[
    str | None,
    typer.Option(
        "--width",
        "-w",
        callback=checked(parsing.parse_widths),
        metavar="LIST",
        rich_help_panel=WHAT,
        help=f"Width multipliers, comma separated, or 'all' published ones; default {DEFAULT_WIDTH},"
        " or those of --weights.",
    ),
]
Resolutions = Annotated[
    str | None,
    typer.Option(
        "--resolution",
        "-r",
        callback=checked(parsing.parse_resolutions),
        metavar="LIST",
        rich_help_panel=WHAT,
        help="Input sides in px, multiples of 32, comma separated, or 'all' published ones;"
        f" default {DEFAULT_RESOLUTION_PX}, or what --weights were trained at.",
    ),
]
Precisions = Annotated[
    str,
    typer.Option(
        "--precision",
        "-p",
        callback=checked(parsing.parse_precisions),
        metavar="LIST",
        rich_help_panel=WHAT,
        help=f"{', '.join(PRECISIONS)}, comma separated, or 'all'.",
    ),
]
Runtimes = Annotated[
    str,
    typer.Option(
        "--runtime",
        callback=checked(parsing.parse_runtimes),
        metavar="LIST",
        rich_help_panel=WHAT,
        help=f"{', '.join(RUNTIMES)}, comma separated: the same weights, lowered and run by each; fp32, and"
        " int8 by each one's own quantizer.",
    ),
]


def _weights_option(default: str) -> Any:
    return typer.Option(
        "--weights",
        callback=checked_list(parsing.parse_weights),
        metavar="FILES",
        rich_help_panel=WHAT,
        help="Trained weights, comma separated: from harness train, PyTorch, TF-Slim, TFLite, Keras or"
        f" Hugging Face; default {default}.",
    )


WeightsFiles = Annotated[list[str] | None, _weights_option("random weights")]
WeightsOfRun = Annotated[list[str] | None, _weights_option("those of the run")]
PaddingOption = Annotated[
    str | None,
    typer.Option(
        "--padding",
        callback=checked(parsing.parse_paddings),
        metavar="LIST",
        rich_help_panel=WHAT,
        help="symmetric, tf_same or both, comma separated; default symmetric, or that of --weights.",
    ),
]
Classes = Annotated[
    int | None,
    typer.Option(
        "--classes",
        min=2,
        max=100_000,
        metavar="N",
        rich_help_panel=WHAT,
        help=f"Outputs of the classifier; default {DEFAULT_CLASSES}, or that of --weights.",
    ),
]
AllowUndelegated = Annotated[
    bool,
    typer.Option(
        "--allow-undelegated",
        rich_help_panel=WHAT,
        help="Accept operators that XNNPACK does not run; by default they are an error.",
    ),
]


def _calibration_option(default: str) -> Any:
    return typer.Option(
        "--calibrate",
        metavar="DATASET",
        rich_help_panel=ACCURACY,
        help=f"Data set whose images calibrate int8; default {default}.",
    )


CalibrationImages = Annotated[str | None, _calibration_option("the training split of --accuracy")]
CalibrationWithoutAccuracy = Annotated[str | None, _calibration_option("synthetic images")]
CalibrationObserver = Annotated[
    str,
    typer.Option(
        "--observer",
        callback=checked(parsing.parse_observer),
        metavar="NAME",
        rich_help_panel=ACCURACY,
        help="How calibration chooses the ranges of int8: histogram (least squared error), minmax,"
        " percentile. ExecuTorch only: other runtimes' quantizers have their own rule.",
    ),
]
AccuracyImages = Annotated[
    str | None,
    typer.Option(
        "--accuracy",
        metavar="DATASET[:SPLIT]",
        rich_help_panel=ACCURACY,
        help="Images to measure accuracy on: fashion-mnist, a folder, or folder:, imagenet:, idx:, hf:PLACE.",
    ),
]
AccuracyPlace = Annotated[
    str,
    typer.Option(
        "--accuracy-on",
        callback=checked(parsing.parse_place),
        metavar="device|host",
        rich_help_panel=ACCURACY,
        help="Where accuracy is measured: on each device, or with the same files on this machine (for slow"
        " devices).",
    ),
]

LabAddress = Annotated[
    str | None,
    typer.Option(
        "--lab",
        metavar="HOST[:PORT]",
        rich_help_panel=WHAT,
        help="Use the devices of a lab's hosts; its head's address, as `harness lab start` printed it.",
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        rich_help_panel=OUTPUT,
        help="Print exactly one JSON document on stdout, also on an error.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", rich_help_panel=OUTPUT, help="Do not show progress.")]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        callback=show_steps,
        rich_help_panel=OUTPUT,
        help="Log every step with its time of day on stderr, instead of progress bars.",
    ),
]
# Words, because a path would lose one of the slashes of s3://; harness/cli/run_folders.py reads them.
NamedRunFolders = Annotated[
    list[str],
    typer.Argument(
        metavar="DIR...",
        help="Folders that `harness run` wrote; also at a URL, such as 's3://bucket/nightly-*'.",
    ),
]
