"""A cell on one line: its name, its placement, and its figures with their worse ends."""

from harness.analysis.budget import Budget, decisive_latency_high_ns, latency_high_ns, peak_high_bytes
from harness.analysis.clusters import placement_name
from harness.analysis.flags import is_flagged
from harness.analysis.known_accuracy import KnownAccuracy
from harness.analysis.paced_figures import misses_text, response_p99_ns
from harness.analysis.process_figures import decisive_startup
from harness.analysis.quantities import megabytes, millijoules, millions, milliseconds
from harness.analysis.variant_labels import full_name
from harness.records import BackendOptions, Cell
from harness.records.requests import exact_rate
from harness.system.text import printable


def describe(cell: Cell, accuracy: KnownAccuracy | None = None) -> str:
    """A cell and its figures on one line."""
    return f"{placed_name(cell)} on {printable(cell.device.name)}: {figures(cell, accuracy)}"


def figures(cell: Cell, accuracy: KnownAccuracy | None) -> str:
    """The figures with their worse ends, as a person compares them with a budget."""
    parts = []
    real = not cell.device.emulated
    if cell.latency is not None and real:
        high = latency_high_ns(cell) or 0.0
        parts.append(f"{milliseconds(cell.latency.median_ns.estimate)} (at most {milliseconds(high)})")
    if cell.pace is not None and real:
        if p99 := response_p99_ns(cell):
            # What keeps the rate, and what cells are ranked by at one.
            parts.append(f"paced p99 {milliseconds(p99.estimate)} (at most {milliseconds(p99.high)})")
        parts.append(misses_text(cell.pace))
    if (sustained := cell.sustained and cell.sustained.figures) and real:
        parts.append(
            f"{milliseconds(sustained.plateau_ns.estimate)} sustained"
            f" (at most {milliseconds(sustained.plateau_ns.high)})"
        )
    if energy := cell.energy and cell.energy.figures:
        net = energy.net_joules
        parts.append(f"{millijoules(net.estimate)} (at most {millijoules(net.high)}) without idle")
    startup = decisive_startup(cell)
    if startup is not None and real:
        cold = "" if startup is cell.startup else "cold "
        parts.append(f"{cold}start-up {milliseconds(startup.total_ns.estimate)}")
    if cell.instructions_per_inference:
        parts.append(f"{millions(cell.instructions_per_inference)} instructions")
    if peak := peak_high_bytes(cell):
        median = cell.memory.peak_rss_bytes if cell.memory else None
        worst = f" (at most {megabytes(peak)})" if median and megabytes(median) != megabytes(peak) else ""
        parts.append(f"{megabytes(median or peak)} peak memory{worst}")
    parts.append(f"{megabytes(cell.artifact.size_bytes)} file")
    if accuracy is not None:
        at_least = (
            f" (at least {accuracy.low:.1%})" if accuracy.basis == "measured" else ", not measured here"
        )
        parts.append(f"{accuracy.basis} top-1 {accuracy.estimate:.1%}{at_least}")
    return ", ".join(parts)


def placed_name(cell: Cell) -> str:
    """The variant and its placement: `mobilenet_v1_0.5_128_int8, 2 threads on cores 4-7`."""
    return f"{full_name(cell.variant)}, {placement(cell)}"


def suspect_mark(cell: Cell) -> str:
    """`, suspect` after the name or the cost of a cell whose cost is; else empty."""
    return ", suspect" if is_flagged(cell) else ""


def placement(cell: Cell) -> str:
    """`2 threads on big cores (4-7) at 30/s, packed cache`; without what the plan leaves open."""
    threads = f"{cell.plan.threads} {'thread' if cell.plan.threads == 1 else 'threads'}"
    cores = placement_name(cell)
    placed = f"{threads} on {cores}" if cores else threads
    paced = "" if cell.plan.rate_hz is None else f" at {exact_rate(cell.plan.rate_hz)}/s"
    return f"{placed}{paced}{options_text(cell.plan.backend_options)}"


def options_text(options: BackendOptions | None) -> str:
    """`, packed cache` for names; empty for XNNPACK's defaults."""
    return "" if options is None else f", {options.replace('-', ' ')}"


def cost_text(cell: Cell, budget: Budget) -> str:
    """The worse end of what an inference costs, as the budget means it: `at most 12.3 ms`."""
    if cell.device.emulated:
        count = cell.instructions_per_inference
        return f"{millions(count)} instructions" if count else "no cost measured"
    high = decisive_latency_high_ns(cell, budget)
    return "no latency" if high is None else f"at most {milliseconds(high)}"
