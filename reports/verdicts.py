"""The answer in a sentence, and what stands against it: cells that failed or may not be relied on."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.printable import printable
from harness.records import Cell
from reports.figures import full_name
from reports.numbers import significant
from reports.sections import Point, Section, best


@dataclass(frozen=True)
class Complaint:
    """A cell that is not plainly valid; `last_output` is what its process said last, line by line."""

    name: str
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
    if len(chosen) == 1:
        return f"{basis}, one cell beats all {len(points) - 1} others: {_figures(chosen[0])}."
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


def complaints(cells: Sequence[Cell]) -> tuple[Complaint, ...]:
    """Every cell that failed, is invalid or suspect, worst first."""
    order = {"invalid": 0, "suspect": 1, "valid": 2}
    found = [cell for cell in cells if cell.verdict.status != "valid" or cell.failure is not None]
    return tuple(_complaint(cell) for cell in sorted(found, key=lambda c: order[c.verdict.status]))


def _complaint(cell: Cell) -> Complaint:
    reasons = [f"{printable(r.code)}: {printable(r.detail)}" for r in cell.verdict.reasons]
    output: tuple[str, ...] = ()
    if cell.failure is not None:
        code = "" if cell.failure.exit_code is None else f" (exit code {cell.failure.exit_code})"
        reasons.insert(0, printable(cell.failure.what) + code)
        output = tuple(printable(line) for line in cell.failure.last_output.splitlines()[-20:])
    name = f"{full_name(cell)} on {printable(cell.device.name)}"
    return Complaint(name, "failed" if cell.failure else cell.verdict.status, tuple(reasons), output)
