"""What stands under the summary table: every mark, column and missing figure explained."""

from collections.abc import Sequence

from harness.records import Cell
from harness.system.text import printable
from reports.accuracy import accuracy_notes
from reports.figures import cost_of, top1_of
from reports.numbers import MISSING
from reports.padding import padding_costs
from reports.sections import Section

FRONTIER_MARK = "★"
DROP = "accuracy drop (pp)"
STARTUP = "start-up ms"
RATE = "rate /s"
MISSED = "missed %"
COLD = "cold start-up ms"
PLATEAU = "sustained ms"
RETAINED = "retained %"
ENERGY = "energy mJ"
PSS = "Pss MB"
DUMPSYS_PSS = "dumpsys Pss MB"
# Notes that explain one column: without the column they explain nothing.
COLUMN_NOTES = {
    STARTUP: "Start-up is load, init and first inference of a fresh process: median over processes.",
    MISSED: "Missed are periods that ended without a result, of all periods. Latency, p90 and p99 count from"
    " an inference's start, not from its slot.",
    COLD: "Cold start-up is load, init and first inference of a process that finds nothing of the program and"
    " the runtime's libraries in memory: median over processes.",
    PLATEAU: "Sustained is the plateau of a run of minutes, the median of its last quarter; retained is its"
    " speed in percent of the first ten seconds'.",
    ENERGY: "Energy is that of an inference without what the idle device takes in its time; ± is the wider"
    " side of its 95 % interval. What the sensor covers differs by device.",
    PSS: "Pss was read in a separate process; memory shared with other processes counts in proportion.",
    DUMPSYS_PSS: "dumpsys Pss is TOTAL PSS from Android's dumpsys meminfo, read while that process ran.",
    DROP: f"{DROP}: how far top-1 is below fp32 on the same images, in percentage points; ± is the wider"
    " side of the paired 95 % interval.",
}


def describe_notes(
    sections: Sequence[Section], columns: Sequence[str], *, on_frontier: bool
) -> tuple[str, ...]:
    """What the marks, the columns of these titles and the missing figures mean, each once."""
    cells = [cell for section in sections for cell in section.cells]
    accuracies = [top1_of(cell) for cell in cells]
    uncounted = {cell.name: reason for cell in cells if (reason := _why_not_counted(cell))}
    figures: dict[str, Sequence[object]] = {
        "latency or instructions": [cost_of(cell) for cell in cells if cell.name not in uncounted],
        "peak memory": [cell.memory for cell in cells],
    }
    notes = []
    if any(not section.device.emulated for section in sections):
        notes.append(
            "Latency is the median of process medians; ± is the wider side of its 95 % interval; a wide and"
            " uneven one is shown by its ends, in brackets."
        )
    if any(section.device.emulated for section in sections):
        notes.append(
            "Emulated and virtual devices: cost is guest instructions per inference; their times do not"
            " predict phone latency."
        )
    if any(section.device.clock == "emulated" for section in sections):
        notes.append("Peak RSS on an emulated device includes the emulator's own memory.")
    notes += [COLUMN_NOTES[title] for title in columns if title in COLUMN_NOTES]
    if on_frontier:
        notes.append(
            f"{FRONTIER_MARK} on the Pareto frontier: no other cell is both cheaper and more accurate, by the"
            " same source of accuracy."
        )
    if any(top1 and top1.kind == "published" for top1 in accuracies):
        notes.append(
            "published: accuracy of the published ImageNet checkpoint of that shape, not measured here."
        )
    if any(cell.variant.weights.source == "random" for cell in cells):
        notes.append("Weights are random: published accuracy is not that of these files.")
    notes += dict.fromkeys(
        f"{printable(weights.source)}: {printable(remark)}."
        for weights in (cell.variant.weights for cell in cells)
        for remark in weights.remarks
    )
    notes += accuracy_notes(cells)
    notes += padding_costs(cells)
    if None in accuracies:
        notes.append(f"{MISSING} under top-1: neither measured nor published for this variant.")
    notes += dict.fromkeys(
        f"{MISSING} under instructions: not counted ({reason}); harness doctor names what permits it."
        for reason in uncounted.values()
    )
    notes += [
        f"{MISSING} under {name}: not measured; the verdict gives the reason."
        for name, values in figures.items()
        if None in values
    ]
    return tuple(notes)


def _why_not_counted(cell: Cell) -> str | None:
    """Why there is no count of a cell that an emulated device ran; None where there is one, or it failed."""
    if not cell.device.emulated or cell.latency is None or cost_of(cell) is not None:
        return None
    parts = (part for one in cell.processes for part in (one.counters_unavailable or "").split("; "))
    reasons = (part.removeprefix("instructions: ") for part in parts if part.startswith("instructions: "))
    return printable(next(reasons, "the device has no counter"))
