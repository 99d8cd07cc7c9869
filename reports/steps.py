"""The ladder as text: from which budget on what is shipped, and what it gains over the step before."""

from dataclasses import dataclass

from harness.analysis.flags import is_flagged
from harness.analysis.ladder import Step
from harness.analysis.ladder_text import more_text, start_text
from harness.system.text import printable
from reports.cell_figures import placed_name


@dataclass(frozen=True)
class StepText:
    """`from 3.2 ms`, the cell, and `54.9 %, +2.8 points for 1.6 ms`."""

    start: str
    name: str
    precision: str
    gain: str


def describe_step(step: Step, *, pooled: bool = False) -> StepText:
    """`templates/script/ladder.js` says the same for a budget that is typed into the page.

    Of a pool's cells, the name also has the device.
    """
    cell, accuracy = step.candidate.cell, step.candidate.accuracy
    parts = [f"{100 * accuracy.estimate:.1f} %"] if accuracy else []
    if step.more is not None:
        gain = "a larger network" if step.gain_pp is None else f"{step.gain_pp:+z.1f} points"
        parts.append(f"{gain} for {more_text(step)}")
    if is_flagged(cell):
        parts.append("suspect")
    name = placed_name(cell) + (f" on {printable(cell.device.name)}" if pooled else "")
    return StepText(f"from {start_text(step)}", name, printable(cell.variant.precision), ", ".join(parts))
