"""What inferences cost in energy: net of the idle device, gross, and where and how it was read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.records import Cell, EnergyFigures, EnergyRun
from harness.system.text import printable
from reports.figures import full_name
from reports.numbers import MISSING, significant, with_ends, with_interval

COLUMNS = (
    "energy mJ",
    "with idle mJ",
    "power W",
    "idle before W",
    "idle after W",
    "inferences",
    "sensor updates",
    "source",
)


@dataclass(frozen=True)
class EnergyRow:
    """One cell; `texts` in the order of `COLUMNS`."""

    name: str
    texts: tuple[str, ...]


def describe_energy(cells: Sequence[Cell]) -> tuple[EnergyRow, ...]:
    """One row per cell whose energy was asked for; one without figures has the reason last."""
    rows = []
    for cell in cells:
        energy = cell.energy
        if energy is None:
            continue
        if energy.figures and energy.run:
            texts = _texts(energy.figures, energy.run)
        else:
            texts = (*(MISSING,) * (len(COLUMNS) - 1), printable(energy.unavailable or MISSING))
        rows.append(EnergyRow(full_name(cell), texts))
    return tuple(rows)


def energy_text(cell: Cell) -> str:
    """`5.3 ± 0.1`, in millijoules."""
    return _net_millijoules(cell, with_interval)


def energy_ends(cell: Cell) -> str:
    """`5.31 (5.22–5.40)`, in millijoules."""  # noqa: RUF002
    return _net_millijoules(cell, with_ends)


def _net_millijoules(cell: Cell, show: Callable[[float, float, float], str]) -> str:
    figures = cell.energy and cell.energy.figures
    if not figures:
        return MISSING
    net = figures.net_joules
    return show(net.estimate * 1e3, net.low * 1e3, net.high * 1e3)


def energy_details(cell: Cell) -> list[tuple[str, str]]:
    """Names and texts for the page's drawer."""
    energy = cell.energy
    if energy is None:
        return []
    if not energy.figures or not energy.run:
        return [("energy", printable(energy.unavailable or MISSING))]
    figures = energy.figures
    return [
        ("energy", f"{energy_ends(cell)} mJ without idle"),
        ("energy with idle", f"{significant(figures.gross_joules * 1e3)} mJ"),
        (
            "power",
            f"{significant(figures.mean_watts)} W; idle {significant(figures.idle_before_watts)} W before,"
            f" {significant(figures.idle_after_watts)} W after",
        ),
        ("energy read by", source_text(energy.run)),
    ]


def source_text(run: EnergyRun) -> str:
    """`ina226 VDD_IN: what …`."""
    skipped = f"; lines of it that were no readings: {run.skipped_lines:,}" if run.skipped_lines else ""
    return f"{printable(run.source.name)}: {printable(run.source.covers)}{skipped}"


def _texts(figures: EnergyFigures, run: EnergyRun) -> tuple[str, ...]:
    net = figures.net_joules
    updates = "/".join(str(window.updates) for window in (run.idle_before, run.load, run.idle_after))
    return (
        with_interval(net.estimate * 1e3, net.low * 1e3, net.high * 1e3),
        significant(figures.gross_joules * 1e3),
        significant(figures.mean_watts),
        significant(figures.idle_before_watts),
        significant(figures.idle_after_watts),
        f"{run.inferences:,}",
        updates,
        source_text(run),
    )
