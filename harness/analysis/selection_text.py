"""A choice as text for the terminal."""

from harness.analysis.quantities import megabytes, millions, milliseconds
from harness.analysis.selection import Choice, known_accuracy
from harness.records import Cell
from harness.system.text import printable

_BASES = {
    "measured": "by measured accuracy",
    "published": "by the published accuracy of checkpoints of that shape, not measured here",
    "macs": "with multiply-accumulates standing in for accuracy, which is neither measured nor published",
}


def explain(choice: Choice) -> str:
    """The choice as text: the best cell, its cautions, the runner-up, and why the others were rejected."""
    lines = []
    if choice.best is None:
        lines.append("No cell is within the budget.")
    else:
        lines.append(describe(choice.best))
        lines.append(
            f"  the most accurate of {choice.within_budget} within the budget, {_BASES[choice.basis]}"
        )
        lines += [f"  caution: {caution}" for caution in choice.cautions]
    if choice.runner_up is not None:
        lines.append(f"runner-up: {describe(choice.runner_up)}")
    lines += [f"rejected: {_name(r.cell)}: {'; '.join(r.reasons)}" for r in choice.rejected]
    return "\n".join(lines)


def describe(cell: Cell) -> str:
    """A cell and its figures on one line."""
    figures = []
    if cell.latency is not None and not cell.device.emulated:
        median = cell.latency.median_ns
        figures.append(f"{milliseconds(median.estimate)} (at most {milliseconds(median.high)})")
    if cell.startup is not None and not cell.device.emulated:
        figures.append(f"start-up {milliseconds(cell.startup.total_ns.estimate)}")
    if cell.instructions_per_inference is not None:
        figures.append(f"{millions(cell.instructions_per_inference)} instructions")
    if cell.memory is not None:
        figures.append(f"{megabytes(cell.memory.peak_rss_bytes)} peak memory")
    figures.append(f"{megabytes(cell.artifact.size_bytes)} file")
    known = known_accuracy(cell)
    if known is not None:
        source, low, estimate = known
        at_least = f" (at least {low:.1%})" if source == "measured" else ", not measured here"
        figures.append(f"{source} top-1 {estimate:.1%}{at_least}")
    return f"{_name(cell)} on {printable(cell.device.name)}: {', '.join(figures)}"


def _name(cell: Cell) -> str:
    threads = f"{cell.plan.threads} {'thread' if cell.plan.threads == 1 else 'threads'}"
    return f"{cell.variant.name}, {threads}"
