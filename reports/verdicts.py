"""The answer in a sentence, and what stands against it: cells that failed or may not be relied on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Cell, Status
from harness.system.text import printable
from reports.figures import full_name
from reports.numbers import significant
from reports.sections import Point, Section, best


@dataclass(frozen=True)
class Complaint:
    """Cells that one and the same thing is said of; `last_output` is what a process said last, by line."""

    names: tuple[str, ...]
    status: str
    reasons: tuple[str, ...]
    last_output: tuple[str, ...]


def answer(section: Section) -> tuple[str, ...]:
    """What to ship on this device, in sentences: one for each source of accuracy, or why there is none."""
    if not section.points:
        return (f"There is nothing to compare: {section.without_cost}.",)
    panels = section.by_accuracy_source()
    if not panels:
        cheapest = min(section.points, key=lambda point: point.cost.value)
        return (f"Cheapest: {_figures(cheapest)}. No accuracy is known for these variants, so no frontier.",)
    return tuple(_sentence(kind, source, points) for (kind, source), points in panels.items())


def _sentence(kind: str, source: str, points: Sequence[Point]) -> str:
    chosen = best(points)
    basis = f"By accuracy measured on {printable(source)}" if kind == "measured" else "By published accuracy"
    if len(points) == 1:
        return f"{basis}, there is one cell: {_figures(chosen[0])}."
    if len(chosen) == 1:
        return f"{basis}, one cell of {len(points)} beats every other: {_figures(chosen[0])}."
    return (
        f"{basis}, {len(chosen)} of {len(points)} cells are on the frontier, "
        f"from the cheapest, {_figures(chosen[0])}, to the most accurate, {_figures(chosen[-1])}."
    )


def _figures(point: Point) -> str:
    unit = "million instructions" if point.cell.device.emulated else "ms"
    figures = [f"{significant(point.cost.value)}\u00a0{unit}"]
    if point.top1:
        figures.append(
            f"{'published ' if point.top1.kind == 'published' else ''}{point.top1.percent.value:.1f}\u00a0%"
        )
    if point.cell.memory:
        figures.append(f"{significant(point.cell.memory.peak_rss_bytes / 1e6)}\u00a0MB peak")
    return f"{full_name(point.cell)} ({', '.join(figures)})"


def count(cells: Sequence[Cell]) -> str:
    """`29 valid, 1 suspect, 2 invalid`."""
    found = Counter(cell.verdict.status for cell in cells)
    return ", ".join(f"{found[status]} {status}" for status in _GRAVITY if found[status])


def complaints(cells: Sequence[Cell]) -> tuple[Complaint, ...]:
    """Everything that is said of any cell, gravest first; cells that share all of it stand together."""
    grouped: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for cell in sorted(cells, key=lambda cell: -_GRAVITY.index(cell.verdict.status)):
        said = _said(cell)
        if said[1]:
            grouped.setdefault(said, []).append(full_name(cell))
    return tuple(Complaint(tuple(names), *said) for said, names in grouped.items())


_GRAVITY: tuple[Status, ...] = ("valid", "suspect", "invalid")


def _said(cell: Cell) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Status, reasons and last output."""
    reasons = tuple(f"{printable(r.code)}: {printable(r.detail)}" for r in cell.verdict.reasons)
    if cell.failure is None:
        return cell.verdict.status, reasons, ()
    code = "" if cell.failure.exit_code is None else f" (exit code {cell.failure.exit_code})"
    output = tuple(printable(line) for line in cell.failure.last_output.splitlines()[-20:])
    return "failed", (printable(cell.failure.what) + code, *reasons), output
