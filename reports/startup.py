"""How long a fresh process takes until its first result, on devices with a real clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Cell, Interval
from reports.figures import full_name
from reports.numbers import MISSING, with_interval

COLUMNS = ("load ms", "init ms", "first inference ms", "total ms")


@dataclass(frozen=True)
class StartupRow:
    """One cell; `texts` in the order of `COLUMNS`."""

    name: str
    texts: tuple[str, ...]


def describe_startup(cells: Sequence[Cell]) -> tuple[StartupRow, ...]:
    """One row per cell of a device with a real clock that has a startup."""
    return tuple(
        StartupRow(
            full_name(cell),
            tuple(
                _milliseconds(interval)
                for interval in (
                    cell.startup.load_ns,
                    cell.startup.init_ns,
                    cell.startup.first_ns,
                    cell.startup.total_ns,
                )
            ),
        )
        for cell in cells
        if cell.startup is not None and not cell.device.emulated
    )


def startup_text(cell: Cell) -> str:
    """The total for the summary table: `35.2 ± 1.1`, `2.6 (1.9–4.4)`."""  # noqa: RUF002
    if cell.startup is None or cell.device.emulated:
        return MISSING
    return _milliseconds(cell.startup.total_ns)


def _milliseconds(interval: Interval) -> str:
    return with_interval(interval.estimate / 1e6, interval.low / 1e6, interval.high / 1e6)
