"""Which variant to ship, in a sentence, and the cells that failed or are suspect or invalid, with reasons."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.records import Cell, Status
from harness.system.text import printable
from reports.figures import full_name
from reports.numbers import significant
from reports.sections import Point, Section, best


@dataclass(frozen=True)
class ReasonGroup:
    """Cells with the same status and reasons; `last_output` is the end of a failed process's output."""

    names: tuple[str, ...]
    status: str
    reasons: tuple[str, ...]
    last_output: tuple[str, ...]


def answer(section: Section) -> tuple[str, ...]:
    """What to ship on this device: a sentence per source of accuracy, or the reason why there is none."""
    if not section.points:
        return (f"There is nothing to compare: {section.without_cost}.",)
    panels = section.by_accuracy_source()
    if not panels:
        cheapest = min(section.points, key=lambda point: point.cost.value)
        why = "no accuracy is known for these variants, so there is no frontier"
        return (f"Cheapest: {_figures(cheapest)}; {why}.",)
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
    if point.cell.memory and point.cell.memory.peak_rss_bytes:
        figures.append(f"{significant(point.cell.memory.peak_rss_bytes / 1e6)}\u00a0MB peak")
    return f"{full_name(point.cell)} ({', '.join(figures)})"


def count(cells: Sequence[Cell]) -> str:
    """`29 valid, 1 suspect, 2 invalid`."""
    found = Counter(cell.verdict.status for cell in cells)
    return ", ".join(f"{found[status]} {status}" for status in _FROM_BEST if found[status])


def group_by_reasons(cells: Sequence[Cell]) -> tuple[ReasonGroup, ...]:
    """Cells with reasons, worst status first; cells with the same status and reasons are grouped."""
    grouped: dict[tuple[str, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for cell in sorted(cells, key=lambda cell: -_FROM_BEST.index(cell.verdict.status)):
        judgement = _judgement(cell)
        if judgement[1]:
            grouped.setdefault(judgement, []).append(full_name(cell))
    return tuple(ReasonGroup(tuple(names), *judgement) for judgement, names in grouped.items())


_FROM_BEST: tuple[Status, ...] = ("valid", "suspect", "invalid")


def _judgement(cell: Cell) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Status, reasons and the end of the output."""
    reasons = tuple(f"{printable(r.code)}: {printable(r.detail)}" for r in cell.verdict.reasons)
    if cell.failure is None:
        return cell.verdict.status, reasons, ()
    code = "" if cell.failure.exit_code is None else f" (exit code {cell.failure.exit_code})"
    output = tuple(printable(line) for line in cell.failure.last_output.splitlines()[-20:])
    return "failed", (printable(cell.failure.what) + code, *reasons), output
