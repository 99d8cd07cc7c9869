"""What cells did over minutes: first speed, plateau, what is retained, and the first drop."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Cell, Drop, Fell, SustainedFigures, SustainedRun
from harness.system.text import printable
from reports.figures import full_name
from reports.numbers import MISSING, significant, with_ends, with_interval

COLUMNS = (
    "seconds",
    "began at °C",
    "first 10 s, ms",
    "plateau ms",
    "retained %",
    "first drop at s",
    "what fell then",
)


@dataclass(frozen=True)
class SustainedRow:
    """One cell; `texts` in the order of `COLUMNS`."""

    name: str
    texts: tuple[str, ...]


def describe_sustained(cells: Sequence[Cell]) -> tuple[SustainedRow, ...]:
    """One row per cell that was to run for minutes; one without figures has the reason last."""
    rows = []
    for cell in cells:
        sustained = cell.sustained
        if sustained is None or cell.device.emulated:
            continue
        figures = sustained.figures
        texts = (
            (_began_text(sustained.run), *_texts(figures))
            if figures and sustained.run
            else (*(MISSING,) * (len(COLUMNS) - 2), printable(sustained.unavailable or MISSING))
        )
        rows.append(SustainedRow(full_name(cell), (f"{sustained.seconds:,}", *texts)))
    return tuple(rows)


def plateau_text(cell: Cell) -> str:
    """`12.3 ± 0.1`, of a device whose time is its own."""
    figures = _figures(cell)
    if figures is None:
        return MISSING
    plateau = figures.plateau_ns
    return with_interval(plateau.estimate / 1e6, plateau.low / 1e6, plateau.high / 1e6)


def plateau_ends(cell: Cell) -> str:
    """The same with both ends: `12.31 (12.27–12.35)`."""  # noqa: RUF002
    figures = _figures(cell)
    if figures is None:
        return MISSING
    plateau = figures.plateau_ns
    return with_ends(plateau.estimate / 1e6, plateau.low / 1e6, plateau.high / 1e6)


def retained_text(cell: Cell) -> str:
    """The speed of the plateau, in percent of the first."""
    figures = _figures(cell)
    return MISSING if figures is None else significant(100 * figures.retained)


def drop_text(drop: Drop | None) -> str:
    """`at 61 s: cores 4-7 fell from 2,800 to 1,900 MHz`."""
    if drop is None:
        return "none"
    return f"at {drop.second:,} s: {fell_text(drop)}"


def fell_text(drop: Drop | None) -> str:
    """What of the device changed then, or why that is unknown."""
    if drop is None:
        return MISSING
    return _change(drop.fell) if drop.fell else f"unknown: {printable(drop.unknown or MISSING)}"


def _change(fell: Fell) -> str:
    if fell.what == "clock":
        before, after = fell.before / 1000, fell.after / 1000
        return f"{printable(fell.name)} fell from {before:,.0f} to {after:,.0f} MHz"
    if fell.what == "thermal_status":
        return f"{printable(fell.name)} rose from {fell.before} to {fell.after} during the run"
    return f"{printable(fell.name)} changed from {fell.before:#x} to {fell.after:#x} during the run"


def _began_text(run: SustainedRun) -> str:
    """`38.2 (limit 45)`: without a temperature nothing shows that the device was cool."""
    if run.began_celsius is None:
        return "unknown"
    limit = "" if run.max_temp_celsius is None else f" (limit {run.max_temp_celsius:g})"
    return f"{run.began_celsius:.1f}{limit}"


def _texts(figures: SustainedFigures) -> tuple[str, ...]:
    plateau = figures.plateau_ns
    return (
        significant(figures.initial_ns / 1e6),
        with_interval(plateau.estimate / 1e6, plateau.low / 1e6, plateau.high / 1e6),
        significant(100 * figures.retained),
        "none" if figures.drop is None else f"{figures.drop.second:,}",
        fell_text(figures.drop),
    )


def _figures(cell: Cell) -> SustainedFigures | None:
    return cell.sustained.figures if cell.sustained and not cell.device.emulated else None
