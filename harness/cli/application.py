"""The application that all commands belong to, the options they share, and where they print."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console


def examples(*commands: str) -> str:
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

# What a device is put into, and how it is watched, while it is measured.
MaxCooling = Annotated[
    str | None,
    typer.Option(help="Wait at most so long before a process until it is cool again; default 120s."),
]
CoolWithin = Annotated[
    float | None,
    typer.Option(min=0.1, max=50, help="Cool is so many °C above the first process; default 3."),
]
Sampler = Annotated[
    bool | None,
    typer.Option(
        "--sampler/--no-sampler",
        help="Record clocks and temperatures while timing; default where a core is left for it.",
    ),
]
TuneDevice = Annotated[
    bool,
    typer.Option(
        "--quiet-device",
        help="While measuring keep it awake, at fixed performance, at full clock; restored afterwards.",
    ),
]

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
CalibrationObserver = Annotated[
    str,
    typer.Option(
        "--observer",
        help="How calibration chooses int8's ranges: histogram (least squared error), minmax, percentile.",
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
Precisions = Annotated[str, typer.Option("--precision", "-p", help="fp32, fp16, int8, comma separated.")]
PaddingOption = Annotated[
    str | None,
    typer.Option(
        "--padding",
        help="symmetric, tf_same or both, comma separated; default symmetric, or as in --weights.",
    ),
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


def console_for(*, stderr: bool = False) -> "Console":
    """Where to print; a log file is wider than the 80 columns a terminal of unknown width has."""
    from rich.console import Console

    console = Console(stderr=stderr)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = LOG_WIDTH
    return console


def say(text: str) -> None:
    """Tell on stderr what is going on."""
    typer.echo(text, err=True)
