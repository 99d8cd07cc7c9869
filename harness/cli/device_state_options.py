"""The options of `harness run` on the state of the device."""

from typing import Annotated

import typer

from harness.cli import placement_parsing, quantity_options
from harness.cli.option_checks import checked, quantity
from harness.cli.options import DEVICE_STATE
from harness.cli.units import parse_celsius, parse_celsius_difference

TuneDevice = Annotated[
    bool,
    typer.Option(
        "--tune-device",
        "--quiet-device",
        rich_help_panel=DEVICE_STATE,
        help="While measuring, keep the device awake and in its fixed-performance mode, and restore its"
        " settings afterwards. That mode holds a lower clock that can be sustained: right for comparing"
        " runs; before you pick by latency, read in the report which clock was held.",
    ),
]
TaskProfile = Annotated[
    str | None,
    typer.Option(
        "--task-profile",
        callback=checked(placement_parsing.parse_task_profile),
        metavar="top-app|foreground|background",
        rich_help_panel=DEVICE_STATE,
        help="Start each process as Android starts an app in this state: its control groups, by"
        " settaskprofile of Android 13 and later. The report says what took hold; on most phones a shell"
        " without root may not join them. By default processes run as any command of a shell.",
    ),
]
MaxTemp = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_celsius),
        metavar="TEMPERATURE",
        rich_help_panel=DEVICE_STATE,
        help="Before each process, wait until the device is at most this warm, such as 35C.",
    ),
]
CoolWithin = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_celsius_difference),
        metavar="DIFFERENCE",
        rich_help_panel=DEVICE_STATE,
        help="Treat the device as cool within this difference to its temperature before the first process;"
        " default 3C.",
    ),
]
MaxCooling = Annotated[
    str | None,
    typer.Option(
        callback=quantity(quantity_options.COOLING),
        metavar="DURATION",
        rich_help_panel=DEVICE_STATE,
        help="Maximum time to wait for the device to cool down before each process; default 2m.",
    ),
]
Sampler = Annotated[
    bool | None,
    typer.Option(
        "--sampler/--no-sampler",
        rich_help_panel=DEVICE_STATE,
        help="Record clocks and temperatures while timing; default: if a core is free for it.",
    ),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        "-y",
        rich_help_panel=DEVICE_STATE,
        help="Measure also on a busy, hot or throttled device. Without it, a terminal asks first;"
        " elsewhere it is a warning, or with --fail-on suspect exit code 4.",
    ),
]
