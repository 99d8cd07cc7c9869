"""The options that name a budget, and their parsing."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import parsing, placement_parsing
from harness.cli.option_checks import checked, quantity
from harness.cli.quantity_options import parse_named
from harness.cli.units import parse_count, parse_energy, parse_share, parse_size, parse_time
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.analysis.budget import Budget

BUDGET = "Budget"

MaxLatency = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_time),
        metavar="DURATION",
        rich_help_panel=BUDGET,
        help="Median latency of one inference, such as 20ms.",
    ),
]
MaxP90 = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_time),
        metavar="DURATION",
        rich_help_panel=BUDGET,
        help="90th percentile of latency.",
    ),
]
MaxP99 = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_time),
        metavar="DURATION",
        rich_help_panel=BUDGET,
        help="99th percentile of latency.",
    ),
]
MaxStartup = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_time),
        metavar="DURATION",
        rich_help_panel=BUDGET,
        help="Time to load, initialize and run the first inference, such as 200ms; cold"
        " where run --cold timed it.",
    ),
]
MaxInstructions = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_count),
        metavar="COUNT",
        rich_help_panel=BUDGET,
        help="Instructions per inference, such as 60M, for emulated devices.",
    ),
]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_size), metavar="SIZE", rich_help_panel=BUDGET, help="Peak RSS, such as 40MB."
    ),
]
MaxSize = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_size),
        metavar="SIZE",
        rich_help_panel=BUDGET,
        help="Size of the .pte file, such as 5MB.",
    ),
]
MaxEnergy = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_energy),
        metavar="ENERGY",
        rich_help_panel=BUDGET,
        help="Energy of one inference without what the idle device takes, such as 5mJ; measured"
        " by harness run --energy.",
    ),
]
MinAccuracy = Annotated[
    str | None,
    typer.Option(
        callback=quantity(parse_share),
        metavar="SHARE",
        rich_help_panel=BUDGET,
        help="Top-1 accuracy, such as 60%.",
    ),
]
OnlyThreads = Annotated[
    str | None,
    typer.Option(
        "--threads",
        "-t",
        callback=checked(placement_parsing.parse_threads),
        metavar="LIST",
        rich_help_panel=BUDGET,
        help="Consider only these thread counts.",
    ),
]
OnlyCores = Annotated[
    str | None,
    typer.Option(
        "--cores",
        callback=checked(placement_parsing.parse_cores),
        metavar="CORES",
        rich_help_panel=BUDGET,
        help="Consider only cells placed on these cores: little, big, prime, all, or a list such as 4-7.",
    ),
]
OnlyRate = Annotated[
    str | None,
    typer.Option(
        "--rate",
        callback=checked(placement_parsing.parse_rate),
        metavar="N",
        rich_help_panel=BUDGET,
        help="Consider only cells measured at this many inferences a second. At most 1 % of their periods may"
        " end without a result. By default cells measured back to back, if there are any; else each must keep"
        " its own rate.",
    ),
]
Sustained = Annotated[
    bool,
    typer.Option(
        "--sustained",
        rich_help_panel=BUDGET,
        help="Judge and rank by the latency of a device in use for minutes: the plateau of harness run"
        " --sustain. Cells without that figure are set aside.",
    ),
]
OnlyPrecisions = Annotated[
    str | None,
    typer.Option(
        "--precision",
        "-p",
        callback=checked(parsing.parse_precisions),
        metavar="LIST",
        rich_help_panel=BUDGET,
        help="Consider only these precisions.",
    ),
]


def parse_budget(
    *,
    max_latency: str | None = None,
    max_p90: str | None = None,
    max_p99: str | None = None,
    max_startup: str | None = None,
    max_instructions: str | None = None,
    max_memory: str | None = None,
    max_size: str | None = None,
    max_energy: str | None = None,
    min_accuracy: str | None = None,
    threads: str | None = None,
    cores: str | None = None,
    rate: str | None = None,
    sustained: bool = False,
    precision: str | None = None,
) -> "Budget":
    """The budget that the options name.

    Raises:
        UsageError: a value is not a quantity of its kind; the option is named.
    """
    from harness.analysis.budget import Budget

    budget = Budget(
        max_latency_ns=parse_named("--max-latency", parse_time, max_latency),
        max_p90_ns=parse_named("--max-p90", parse_time, max_p90),
        max_p99_ns=parse_named("--max-p99", parse_time, max_p99),
        max_startup_ns=parse_named("--max-startup", parse_time, max_startup),
        max_instructions=parse_named("--max-instructions", parse_count, max_instructions),
        max_memory_bytes=parse_named("--max-memory", parse_size, max_memory),
        max_size_bytes=parse_named("--max-size", parse_size, max_size),
        max_energy_joules=parse_named("--max-energy", parse_energy, max_energy),
        min_accuracy=parse_named("--min-accuracy", parse_share, min_accuracy),
        threads=placement_parsing.parse_threads(threads) if threads else (),
        cores=placement_parsing.parse_cores(cores),
        sustained=sustained,
        rate_hz=placement_parsing.parse_rate(rate) if rate is not None else None,
        precisions=parsing.parse_precisions(precision) if precision else (),
    )
    refuse_paced_beside_sustained(budget)
    return budget


def refuse_paced_beside_sustained(budget: "Budget") -> None:
    """Raise `UsageError` where other latencies are limited beside that of sustained runs."""
    refused = {"--max-p90": budget.max_p90_ns, "--max-p99": budget.max_p99_ns, "--rate": budget.rate_hz}
    for option, given in refused.items():
        if budget.sustained and given is not None:
            raise UsageError(
                f"--sustained and {option} conflict: a sustained run has one latency, that of its plateau",
                hint="limit it with --max-latency",
            )


def refuse_predicted(*, sustained: bool, include_predicted: bool) -> None:
    """Raise `UsageError` where predictions are asked for beside the figures of sustained runs."""
    if sustained and include_predicted:
        raise UsageError(
            "--sustained and --include-predicted conflict: predictions are of a cool device",
            hint="give one of them",
        )
