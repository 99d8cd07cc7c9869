"""A cell's name and figures with their worse ends, as the answer shows them."""

from harness.analysis.budget import Budget, instructions_high, latency_high_ns, peak_high_bytes
from harness.analysis.cell_text import placement
from harness.analysis.known_accuracy import KnownAccuracy
from harness.analysis.paced_figures import response_p99_ns
from harness.analysis.process_figures import decisive_startup
from harness.analysis.quantities import megabytes, millijoules, millions, milliseconds
from harness.records import Cell
from reports.figures import name_with_precision

UNPLACED = "1 thread"


def cell_name(cell: Cell) -> str:
    """`0.5/160 int8`."""
    return name_with_precision(cell.variant)


def placed_name(cell: Cell) -> str:
    """`0.5/160 int8, 2 threads on big cores (4-7)`; one thread anywhere goes without saying."""
    placed = placement(cell)
    return cell_name(cell) if placed == UNPLACED else f"{cell_name(cell)}, {placed}"


def cost_figure(cell: Cell, budget: Budget | None = None) -> str:
    """`4.78 ms (at most 4.81 ms)`, or counted instructions where the clock is not real.

    At a rate also the p99, by which such cells are ranked; the plateau where the budget is of sustained runs.
    """
    if budget and budget.sustained and (sustained := _sustained_text(cell)):
        return sustained
    if cell.device.emulated:
        count, most = cell.instructions_per_inference, instructions_high(cell)
        if not count or not most:
            return "no cost measured"
        return f"{_with_worst(millions(count), millions(most))} instructions"
    high = latency_high_ns(cell)
    if cell.latency is None or high is None:
        return "no latency measured"
    median = _with_worst(milliseconds(cell.latency.median_ns.estimate), milliseconds(high))
    tail = response_p99_ns(cell)
    if tail is None:
        return median
    return f"{median}, paced p99 {_with_worst(milliseconds(tail.estimate), milliseconds(tail.high))}"


def figure_texts(cell: Cell, budget: Budget | None = None) -> tuple[str, ...]:
    """The plateau over minutes and the energy where measured; peak memory, size of the file, start-up.

    Where the plateau is the cost, the latency of the cool device stands in its place.
    """
    texts = []
    if sustained := _sustained_text(cell):
        texts.append(f"{cost_figure(cell)} cool" if budget and budget.sustained else sustained)
    if energy := cell.energy and cell.energy.figures:
        net = energy.net_joules
        texts.append(
            f"{_with_worst(millijoules(net.estimate), millijoules(net.high))} an inference without idle"
        )
    if peak := peak_high_bytes(cell):
        median = cell.memory.peak_rss_bytes if cell.memory else None
        texts.append(f"{_with_worst(megabytes(median or peak), megabytes(peak))} peak memory")
    texts.append(f"{megabytes(cell.artifact.size_bytes)} file")
    startup = decisive_startup(cell)
    if startup is not None and not cell.device.emulated:
        total, cold = startup.total_ns, "" if startup is cell.startup else "cold "
        texts.append(f"{_with_worst(milliseconds(total.estimate), milliseconds(total.high))} {cold}start-up")
    return tuple(texts)


def _sustained_text(cell: Cell) -> str:
    """The plateau, on a device whose time is its own; else empty."""
    figures = cell.sustained and cell.sustained.figures
    if not figures or cell.device.emulated:
        return ""
    plateau = figures.plateau_ns
    return f"{_with_worst(milliseconds(plateau.estimate), milliseconds(plateau.high))} sustained"


def accuracy_figure(accuracy: KnownAccuracy) -> str:
    """`57.7 % top-1 (56.9 to 58.4 %)`, or that it is published and not measured."""
    estimate = f"{100 * accuracy.estimate:.1f} % top-1"
    if accuracy.basis == "published":
        return f"{estimate} published, not measured here"
    return f"{estimate} ({100 * accuracy.low:.1f} to {100 * accuracy.high:.1f} %)"


def _with_worst(typical: str, worst: str) -> str:
    return typical if typical == worst else f"{typical} (at most {worst})"
