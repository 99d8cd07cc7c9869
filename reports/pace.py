"""How paced cells kept their schedule, on devices whose time is their own."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.paced_figures import response_p99_ns
from harness.records import Cell
from harness.records.requests import exact_rate
from reports.figures import full_name
from reports.numbers import MISSING, significant, with_interval

COLUMNS = (
    "period ms",
    "periods",
    "missed",
    "of these not begun",
    "paced p99 ms",
    "duty cycle %",
    "late start ms, median",
    "p99",
    "max",
)


@dataclass(frozen=True)
class PaceRow:
    """One cell; `texts` in the order of `COLUMNS`."""

    name: str
    texts: tuple[str, ...]


def describe_pace(cells: Sequence[Cell]) -> tuple[PaceRow, ...]:
    """One row per cell of a device with a real clock that was measured at a rate."""
    return tuple(
        PaceRow(
            full_name(cell),
            (
                significant(pace.period_ns / 1e6),
                f"{pace.periods:,}",
                f"{pace.missed:,} ({pace.missed_share:.1%})",
                f"{pace.skipped:,}",
                _paced_p99_text(cell),
                significant(100 * pace.duty_cycle),
                significant(pace.lateness_median_ns / 1e6),
                significant(pace.lateness_p99_ns / 1e6),
                significant(pace.lateness_max_ns / 1e6),
            ),
        )
        for cell in cells
        if (pace := cell.pace) is not None and not cell.device.emulated
    )


def _paced_p99_text(cell: Cell) -> str:
    """What decides whether a rate is kept, which neither latency nor lateness shows alone."""
    p99 = response_p99_ns(cell)
    return (
        MISSING if p99 is None else with_interval(*(end / 1e6 for end in (p99.estimate, p99.low, p99.high)))
    )


def rate_text(cell: Cell) -> str:
    """Inferences a second for the summary table."""
    return MISSING if cell.plan.rate_hz is None else exact_rate(cell.plan.rate_hz)


def missed_text(cell: Cell) -> str:
    """The share of periods without a result in time, in percent."""
    if cell.pace is None or cell.device.emulated:
        return MISSING
    return significant(100 * cell.pace.missed_share) if cell.pace.missed else "0"
