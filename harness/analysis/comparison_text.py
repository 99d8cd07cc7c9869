"""A comparison as text: rows for the terminal, Markdown for a pull request."""

from collections.abc import Sequence

from harness.analysis.cell_comparison import WEIGHTIEST_FIRST, Change
from harness.analysis.comparison import Comparison

HEADINGS = ("cell", "base → new", "change", "peak RSS", "file", "result")


def summarize(comparison: Comparison) -> str:
    """Cells by result, and a line each for what only one side has, what else differs, and each caution."""
    return "\n".join((_count(comparison), *_notes(comparison)))


def to_rows(comparison: Comparison) -> tuple[tuple[str, ...], ...]:
    """One row of text a cell, under `HEADINGS`; the figure is the one that decided."""
    return tuple(
        (
            cell.name,
            _show(cell.latency_ns, 1e6, "ms", 3)
            if cell.decided_by == "latency"
            else _show(cell.instructions, 1, "instructions", 0),
            cell.why,
            _show(cell.peak_rss_bytes, 2**20, "MiB", 1),
            _show(cell.artifact_bytes, 2**20, "MiB", 2),
            cell.result,
        )
        for cell in comparison.cells
    )


def to_markdown(comparison: Comparison) -> str:
    """The comparison for a pull request."""
    lines = [f"**{_count(comparison)}**", "", _line(HEADINGS), _line(("---",) * len(HEADINGS))]
    lines += [_line(row) for row in to_rows(comparison)]
    for note in _notes(comparison):
        lines += ["", note]
    return "\n".join(lines) + "\n"


def _count(comparison: Comparison) -> str:
    results = [cell.result for cell in comparison.cells]
    answer = ", ".join(
        f"{results.count(result)} {result}" for result in WEIGHTIEST_FIRST if result in results
    )
    return f"{comparison.result.capitalize()} (margin {100 * comparison.margin:.3g} %): {answer}."


def _notes(comparison: Comparison) -> list[str]:
    parts = (
        ("Only in base", comparison.only_in_base),
        ("Only in new", comparison.only_in_new),
        ("Compared although different", comparison.differences),
    )
    cautions = [f"Caution: {cell.name}: {text}." for cell in comparison.cells for text in cell.cautions]
    return [f"{label}: {'; '.join(names)}." for label, names in parts if names] + cautions


def _line(parts: Sequence[str]) -> str:
    return "| " + " | ".join(part.replace("|", "\\|").replace("\n", " ") for part in parts) + " |"


def _show(change: Change, unit: float, name: str, digits: int) -> str:
    if change.base is None or change.new is None:
        return "-"
    return f"{change.base / unit:,.{digits}f} → {change.new / unit:,.{digits}f} {name}"
