"""A comparison as text: lines for the terminal, Markdown for a pull request."""

import math
from collections.abc import Sequence
from typing import get_args

from harness.analysis.cell_comparison import ComparedCell
from harness.analysis.comparison import Comparison
from harness.analysis.comparison_rule import WEIGHTIEST_FIRST, ComparedFigure, FigureName
from harness.analysis.time_comparison import STARTUPS
from harness.system.text import markdown, printable

FIGURES: tuple[FigureName, ...] = get_args(FigureName)
# What one unit is in the record's unit, the digits after the point, and the unit as text.
_UNITS: dict[FigureName, tuple[float, int, str]] = {
    "latency": (1e6, 3, " ms"),
    "instructions": (1, 0, ""),
    "paced p99": (1e6, 3, " ms"),
    "start-up": (1e6, 3, " ms"),
    "cold start-up": (1e6, 3, " ms"),
    "sustained latency": (1e6, 3, " ms"),
    "energy": (1e-3, 3, " mJ"),
    "peak RSS": (1e6, 1, " MB"),
    "file size": (1e6, 3, " MB"),
    "accuracy": (0.01, 2, " %"),
}
# From this width on a cell and its figures stand on one line.
ONE_LINE_WIDTH = 100
RESULT_WIDTH = len("inconclusive")
SIGNIFICANT_DIGITS = 3


def to_lines(comparison: Comparison, width: int) -> list[str]:
    """The comparison for a terminal: a cell's result and name come first and are never cropped."""
    shown = shown_figures(comparison)
    lines = []
    for cell in comparison.cells:
        name, changes = printable(cell.name), _changes(cell, shown)
        head = f"{cell.result:<{RESULT_WIDTH}}  {name}"
        one_line = f"{head}  {'; '.join(changes)}"
        if width >= ONE_LINE_WIDTH and len(one_line) <= width:
            lines.append(one_line)
        else:
            lines += [head, *(f"{'':<{RESULT_WIDTH}}  {change}" for change in changes)]
    return [*lines, "", *summarize(comparison)]


def summarize(comparison: Comparison) -> list[str]:
    """Cells by result, what changed nowhere, how it was measured, what else differs, and each caution."""
    return [_count(comparison), *_unchanged(comparison), *_left_open(comparison), *_notes(comparison)]


def to_markdown(comparison: Comparison) -> str:
    """The comparison for a pull request."""
    headings, rows = to_table(comparison)
    count, *notes = summarize(comparison)
    lines = [f"**{count}**", "", _line(headings), "| --- " * len(headings) + "|", *map(_line, rows)]
    for note in notes:
        lines += ["", markdown(note)]
    return "\n".join(lines) + "\n"


def to_table(comparison: Comparison) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The headings, and a row for each cell."""
    shown = shown_figures(comparison)
    rows = [(cell.result, cell.name, *_columns(cell, shown)) for cell in comparison.cells]
    return ("result", "cell", *shown), rows


def shown_figures(comparison: Comparison) -> tuple[FigureName, ...]:
    """The figures that some cell was decided by, or that are not `no worse` everywhere."""
    decided = {cell.decided_by for cell in comparison.cells}
    return tuple(
        name
        for name in FIGURES
        if name in decided
        or any((one := cell.figure(name)) and one.result != "no worse" for cell in comparison.cells)
    )


def _changes(cell: ComparedCell, shown: Sequence[FigureName]) -> list[str]:
    """A text for each figure, the one that decided first."""
    figures = [one for name in shown if (one := cell.figure(name))]
    figures.sort(key=lambda one: one.name != cell.decided_by)
    texts = [f"{one.name} {_values(one)}, {_judged(one, cell)}" for one in figures]
    return texts if cell.figure(cell.decided_by) else [printable(cell.why), *texts]


def _columns(cell: ComparedCell, shown: Sequence[FigureName]) -> list[str]:
    columns = []
    for name in shown:
        figure = cell.figure(name)
        if figure:
            columns.append(f"{_values(figure)}, {_judged(figure, cell)}")
        else:
            columns.append(cell.why if name == cell.decided_by else "-")
    return columns


def _judged(figure: ComparedFigure, cell: ComparedCell) -> str:
    """The change, and its own result where that is not the cell's."""
    result = "" if figure.result in (cell.result, "no worse") else f": {figure.result}"
    return f"{printable(figure.why)}{result}"


def _values(figure: ComparedFigure) -> str:
    size, digits, unit = _UNITS[figure.name]
    smallest = min(filter(None, (abs(figure.base), abs(figure.new))), default=size) / size
    if digits:
        # A small program takes less than a microsecond, and less than a kilobyte.
        digits = max(digits, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(smallest)))
    return f"{figure.base / size:,.{digits}f} → {figure.new / size:,.{digits}f}{unit}"


def _count(comparison: Comparison) -> str:
    results = [cell.result for cell in comparison.cells]
    answer = ", ".join(
        f"{results.count(result)} {result}" for result in WEIGHTIEST_FIRST if result in results
    )
    return f"{comparison.result.capitalize()} ({_describe(comparison)}): {answer}."


def _describe(comparison: Comparison) -> str:
    """The margins; those of what few runs measure only where a cell has such a figure."""
    margins = comparison.margins
    compared = {one.name for cell in comparison.cells for one in cell.figures}
    exact = "" if margins.instructions is None else f", instructions {100 * margins.instructions:.3g} %"
    further = "".join(
        f", {name} {100 * margin:.3g} %"
        for name, margin, names in (
            ("start-up", margins.of_startup, {*STARTUPS}),
            ("sustained latency", margins.sustained, {"sustained latency"}),
            ("energy", margins.energy, {"energy"}),
        )
        if names & compared
    )
    return (
        f"margins: latency {100 * margins.latency:.3g} %{exact}{further},"
        f" peak RSS {100 * margins.memory:.3g} %, file size {100 * margins.size:.3g} %,"
        f" accuracy {margins.accuracy_pp:.3g} pp"
    )


def _unchanged(comparison: Comparison) -> list[str]:
    """The figures that are no worse in every cell that has them, with the largest change."""
    shown = shown_figures(comparison)
    texts = []
    for name in FIGURES:
        found = [one for cell in comparison.cells if (one := cell.figure(name))]
        if name in shown or not found:
            continue
        if all(one.base == one.new for one in found):
            texts.append(f"{name} (unchanged)")
        else:
            largest = max(found, key=lambda one: one.change.estimate if one.change else 0.0)
            texts.append(f"{name} (at most {printable(largest.why)})")
    return [f"No worse in every cell: {', '.join(texts)}."] if texts else []


def _left_open(comparison: Comparison) -> list[str]:
    """In how many cells an inconclusive start-up did not decide."""
    if comparison.margins.startup is not None:
        return []
    count = sum(
        any(one.name in STARTUPS and one.result == "inconclusive" for one in cell.figures)
        for cell in comparison.cells
    )
    if not count:
        return []
    where = "1 cell" if count == 1 else f"{count} cells"
    return [f"Start-up is inconclusive in {where}, which decides only where --startup-margin is given."]


def _notes(comparison: Comparison) -> list[str]:
    notes = [f"{printable(note)}." for note in comparison.notes]
    parts = (
        ("Only in base", comparison.only_in_base),
        ("Only in new", comparison.only_in_new),
        ("Made differently" if comparison.paired else "Compared although different", comparison.differences),
    )
    notes += [f"{label}: {'; '.join(map(printable, names))}." for label, names in parts if names]
    return notes + [
        f"Caution: {printable(cell.name)}: {printable(text)}."
        for cell in comparison.cells
        for text in cell.cautions
    ]


def _line(parts: Sequence[str]) -> str:
    return "| " + " | ".join(map(markdown, parts)) + " |"
