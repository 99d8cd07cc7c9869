"""How long a fresh process takes until its first result, on devices with a real clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Cell, Interval, Startup
from harness.system.text import printable
from reports.figures import full_name
from reports.numbers import MISSING, with_interval

COLUMNS = ("load ms", "init ms", "first inference ms", "total ms")


@dataclass(frozen=True)
class StartupRow:
    """One cell; `texts` in the order of `COLUMNS`."""

    name: str
    texts: tuple[str, ...]


def describe_startup(cells: Sequence[Cell]) -> tuple[StartupRow, ...]:
    """One row per cell of a device with a real clock that has a startup, and one for each other start of it.

    Those are its first launch, where later ones find a packed cache, and its cold starts.
    """
    rows = []
    for cell in cells:
        if (cell.startup is None and cell.first_launch is None) or cell.device.emulated:
            continue
        rows.append(StartupRow(full_name(cell), _texts(cell.startup)))
        if cell.first_launch:
            rows.append(StartupRow(f"{full_name(cell)}, first launch", _texts(cell.first_launch)))
        if cell.cold:
            reason = f": {printable(cell.cold.unavailable)}" if cell.cold.unavailable else ""
            rows.append(StartupRow(f"{full_name(cell)}, cold{reason}", _texts(cell.cold.startup)))
    return tuple(rows)


def startup_text(cell: Cell) -> str:
    """The total for the summary table: `35.2 ± 1.1`, `2.6 (1.9–4.4)`."""  # noqa: RUF002
    if cell.startup is None or cell.device.emulated:
        return MISSING
    return _milliseconds(cell.startup.total_ns)


def cold_text(cell: Cell) -> str:
    """The same of cold processes."""
    if cell.cold is None or cell.cold.startup is None or cell.device.emulated:
        return MISSING
    return _milliseconds(cell.cold.startup.total_ns)


def _texts(startup: Startup | None) -> tuple[str, ...]:
    if startup is None:
        return (MISSING,) * len(COLUMNS)
    phases = (startup.load_ns, startup.init_ns, startup.first_ns, startup.total_ns)
    return tuple(_milliseconds(interval) for interval in phases)


def _milliseconds(interval: Interval) -> str:
    return with_interval(interval.estimate / 1e6, interval.low / 1e6, interval.high / 1e6)
