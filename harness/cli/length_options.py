"""The options of `harness run` on how much is measured."""

from typing import Annotated, Any

import typer

from harness.cli import quantity_options
from harness.cli.option_checks import checked, quantity
from harness.cli.options import HOW_LONG
from harness.cli.request_ranges import RANGES


def _count(field: str, text: str) -> Any:
    """The option of a field that is a count, in the field's range, with its help."""
    allowed = RANGES[field]
    return typer.Option(min=allowed.least, max=allowed.most, metavar="N", rich_help_panel=HOW_LONG, help=text)


Processes = Annotated[
    int | None,
    _count(
        "processes", "Minimum number of fresh processes per cell; without --max-rounds, exactly this many."
    ),
]
TargetPrecision = Annotated[
    str,
    typer.Option(
        callback=checked(quantity_options.parse_precision_target),
        metavar="SHARE",
        rich_help_panel=HOW_LONG,
        help="Start more processes until the interval of each median is within ± this share.",
    ),
]
MaxRounds = Annotated[
    int | None,
    _count("max_rounds", "Maximum processes per cell."),
]
TimeLimit = Annotated[
    str | None,
    typer.Option(
        "--time-limit",
        callback=quantity(quantity_options.RUN_TIME),
        metavar="DURATION",
        rich_help_panel=HOW_LONG,
        help="Start no new process on a device after this time, such as 30m. Time for --sustain is kept free;"
        " a sustained run that would end later is not begun.",
    ),
]
MaxMinutes = Annotated[
    str | None,
    typer.Option("--max-minutes", callback=quantity(quantity_options.MINUTES), hidden=True),
]
Warmup = Annotated[
    int | None,
    _count("warmup_iterations", "Warm-up iterations per process."),
]
Iterations = Annotated[
    int | None,
    _count("min_iterations", "Minimum timed iterations per process."),
]
MinTime = Annotated[
    str | None,
    typer.Option(
        callback=quantity(quantity_options.TIMED),
        metavar="DURATION",
        rich_help_panel=HOW_LONG,
        help="Minimum timed duration per process, such as 500ms; at most 1h.",
    ),
]
MaxTime = Annotated[
    str | None,
    typer.Option(
        callback=quantity(quantity_options.MOST_TIMED),
        metavar="DURATION",
        rich_help_panel=HOW_LONG,
        help="Maximum timed duration per process, such as 5s; at most 1h.",
    ),
]
