"""A comparison as text: rows for the terminal, Markdown for a pull request."""

from collections.abc import Sequence

from harness.compare import Comparison
from harness.measuring.finding import Change

HEADINGS = ("cell", "finding", "decided by", "change", "latency", "instructions", "peak RSS", "file")


def summarize(comparison: Comparison) -> str:
    """One sentence: how many cells are what."""
    counts = {
        finding: sum(cell.finding == finding for cell in comparison.cells)
        for finding in ("worse", "inconclusive", "no worse", "better")
    }
    told = ", ".join(f"{count} {finding}" for finding, count in counts.items() if count)
    return f"{comparison.finding.capitalize()} (margin {100 * comparison.margin:.3g} %): {told}."


def to_rows(comparison: Comparison) -> tuple[tuple[str, ...], ...]:
    """One row of text a cell, under `HEADINGS`."""
    return tuple(
        (
            cell.name,
            cell.finding,
            cell.decided_by,
            cell.why,
            _show(cell.latency_ns, 1e6, "ms", 3),
            _show(cell.instructions, 1e6, "M", 3),
            _show(cell.peak_rss_bytes, 2**20, "MiB", 1),
            _show(cell.artifact_bytes, 2**20, "MiB", 2),
        )
        for cell in comparison.cells
    )


def to_markdown(comparison: Comparison) -> str:
    """The comparison for a pull request."""
    lines = [f"**{summarize(comparison)}**", "", _line(HEADINGS), _line(("---",) * len(HEADINGS))]
    lines += [_line(row) for row in to_rows(comparison)]
    for label, names in (
        ("Only in base", comparison.only_in_base),
        ("Only in new", comparison.only_in_new),
        ("Compared across", comparison.differences),
    ):
        if names:
            lines += ["", f"{label}: {'; '.join(names)}"]
    return "\n".join(lines) + "\n"


def _line(parts: Sequence[str]) -> str:
    return "| " + " | ".join(part.replace("|", "\\|").replace("\n", " ") for part in parts) + " |"


def _show(change: Change, unit: float, name: str, digits: int) -> str:
    if change.base is None or change.new is None:
        return "-"
    return f"{change.base / unit:,.{digits}f} → {change.new / unit:,.{digits}f} {name}"
