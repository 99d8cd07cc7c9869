"""The figures of a cell that other tools can follow, in base units."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.known_accuracy import measured_accuracy
from harness.analysis.machines import cells_of_runs, name_machines_apart
from harness.analysis.paced_figures import response_p99_ns
from harness.analysis.variant_labels import label_variants, labelled_name
from harness.records import Cell, Interval
from harness.system.text import printable


@dataclass(frozen=True)
class Measure:
    """One figure; the ends of its interval are None where it has none."""

    name: str
    unit: str
    value: float
    low: float | None = None
    high: float | None = None
    more_is_better: bool = False


def name_cells(cells: Sequence[Cell]) -> list[tuple[str, Cell]]:
    """Each cell with a name that no other one of them has."""
    apart = label_variants(name_machines_apart(cells_of_runs([cells])))
    return [(printable(labelled_name(cell)), cell) for cell in apart]


def measures_of(cell: Cell) -> tuple[Measure, ...]:
    """All figures that the cell has; none of an invalid cell."""
    return tuple(_measures(cell)) if cell.usable else ()


def _measures(cell: Cell) -> Iterator[Measure]:
    if not cell.device.emulated:
        yield from _times(cell)
    if cell.instructions_per_inference:
        yield Measure("instructions-per-inference", "instructions", cell.instructions_per_inference)
    if cell.memory and cell.memory.peak_rss_bytes:
        # Under user-mode QEMU the process is the emulator's.
        name = "peak-rss-with-emulator" if cell.device.clock == "emulated" else "peak-rss"
        yield Measure(name, "bytes", cell.memory.peak_rss_bytes)
    yield Measure("file-size", "bytes", cell.artifact.size_bytes)
    if known := measured_accuracy(cell):
        yield Measure(
            "top1-accuracy",
            "percent",
            100 * known.estimate,
            100 * known.low,
            100 * known.high,
            more_is_better=True,
        )


def _times(cell: Cell) -> Iterator[Measure]:
    """Times of a real clock."""
    if cell.latency:
        yield _interval("latency-median", cell.latency.median_ns)
        yield _percentile("latency-p90", cell.latency.p90_ns, cell.latency.p90_interval_ns)
        yield _percentile("latency-p99", cell.latency.p99_ns, cell.latency.p99_interval_ns)
    if cell.pace:
        yield Measure("missed-periods", "percent", 100 * cell.pace.missed_share)
        yield Measure("lateness-p99", "ns", cell.pace.lateness_p99_ns)
    if paced := response_p99_ns(cell):
        yield _interval("paced-p99", paced)
    if cell.startup:
        yield _interval("startup", cell.startup.total_ns)
    if cell.first_launch:
        yield _interval("first-launch-startup", cell.first_launch.total_ns)
    if cell.cold and cell.cold.startup:
        yield _interval("cold-startup", cell.cold.startup.total_ns)
    if cell.sustained and cell.sustained.figures:
        yield _interval("sustained-latency", cell.sustained.figures.plateau_ns)
    if cell.energy and cell.energy.figures:
        net = cell.energy.figures.net_joules
        yield Measure("energy", "J", net.estimate, net.low, net.high)


def _interval(name: str, interval: Interval) -> Measure:
    """A single process gives an interval without width and confidence: then there is none."""
    if interval.confidence == 0:
        return Measure(name, "ns", interval.estimate)
    return Measure(name, "ns", interval.estimate, interval.low, interval.high)


def _percentile(name: str, value: float, interval: Interval | None) -> Measure:
    return Measure(name, "ns", value, interval.low, interval.high) if interval else Measure(name, "ns", value)
