"""A cell as the page's script knows it."""

from collections.abc import Collection, Sequence

import msgspec
import numpy as np

from harness.analysis.budget import Budget, Quantity
from harness.analysis.cautions import cautions, meter_of
from harness.analysis.cell_text import placement
from harness.analysis.clusters import CLUSTER_NAMES, placed_on
from harness.analysis.flags import is_flagged
from harness.analysis.paced_figures import misses_text, period_to_keep_ns, response_p99_ns
from harness.analysis.process_figures import (
    instruction_counts,
    latency_medians_ns,
    peaks_rss_bytes,
    startups_ns,
)
from harness.analysis.quantizers import quantizer_named
from harness.analysis.runtimes import runtime_title
from harness.records import EXECUTORCH, Cell, Interval
from harness.system.text import printable
from reports.cell_figures import cell_name, cost_figure, figure_texts
from reports.details import describe_details

# Of the samples of each process, relative to the cell's median.
QUANTILES = (0, 5, 25, 50, 75, 95, 100)
Ends = tuple[float, float, float, float]


class Texts:
    """Texts that cells share: the page holds each once, and cells its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text, a new one if no cell has said it before."""
        return self._numbers.setdefault(text, len(self._numbers))

    def in_order(self) -> tuple[str, ...]:
        """All texts, each at the place that is its number."""
        return tuple(self._numbers)


class PageCell(msgspec.Struct, frozen=True, array_like=True, rename="camel"):
    """`worst` is in the order of the budget's quantities; `processes` has the latencies, start-ups, counts of
    instructions and peaks of the processes; `startup` and `cold` are estimates; `strips` has the quantiles of
    each process in thousandths off the median. `period` is what a paced cell has to keep, `missed` says how
    many it missed. The meter, cautions and details are numbers of `Texts`; a
    detail is a name and its text."""

    machine: int
    file: int
    order: int
    name: str
    placement: str
    precision: str
    runtime: str
    quantizer: str
    width: float | None
    side: int | None
    threads: int
    cores: tuple[str, ...]
    other_pace: bool
    period: int | None
    missed: str
    macs: int | None
    size: int
    status: str
    failed: bool
    flagged: bool
    random: bool
    worst: tuple[float | None, ...]
    latency: Ends | None
    p90: Ends | None
    p99: Ends | None
    paced: Ends | None
    startup: float | None
    cold: float | None
    sustained: Ends | None
    retained: float | None
    energy: Ends | None
    meter: int | None
    instructions: int | None
    processes: tuple[tuple[float, ...], ...]
    cost: str
    figures: tuple[str, ...]
    cautions: tuple[int, ...]
    all_cautions: tuple[int, ...]
    reasons: tuple[tuple[str, str, str], ...]
    details: tuple[int, ...]
    strips: tuple[tuple[int, ...], ...]


def placements_of(cells: Sequence[Cell], budget: Budget) -> tuple[str, ...]:
    """The cluster names and CPU lists that some cell was placed on, and the one that the budget names."""
    lists = sorted({cell.plan.cpus for cell in cells if cell.plan.cpus})
    names = [name for name in (*CLUSTER_NAMES, *lists) if any(placed_on(cell, name) for cell in cells)]
    return tuple(map(printable, dict.fromkeys((*names, *((budget.cores,) if budget.cores else ())))))


def to_page_cell(
    cell: Cell,
    texts: Texts,
    *,
    machine: int,
    file: int,
    order: int,
    placements: Sequence[str],
    paces: Collection[float | None],
    quantities: Sequence[Quantity],
) -> PageCell:
    """The cell's part of the document; `order` is that of its name among the cells of its device, `paces` are
    the rates that are considered."""
    latency, energy = cell.latency, cell.energy and cell.energy.figures
    cold, sustained = cell.cold and cell.cold.startup, cell.sustained and cell.sustained.figures
    return PageCell(
        machine=machine,
        file=file,
        order=order,
        name=cell_name(cell),
        placement=placement(cell),
        precision=printable(cell.variant.precision),
        runtime="" if cell.variant.runtime == EXECUTORCH else runtime_title(cell.variant.runtime),
        quantizer=quantizer_named(cell) or "",
        width=cell.variant.width,
        side=cell.variant.resolution_px,
        threads=cell.plan.threads,
        other_pace=cell.plan.rate_hz not in paces,
        period=period_to_keep_ns(cell),
        missed=misses_text(cell.pace) if cell.pace else "",
        cores=tuple(name for name in placements if placed_on(cell, name)),
        macs=cell.artifact.macs,
        size=cell.artifact.size_bytes,
        status=cell.verdict.status,
        failed=cell.failure is not None,
        flagged=is_flagged(cell),
        random=cell.variant.weights.source == "random",
        worst=tuple(quantity.worst(cell) for quantity in quantities),
        latency=_ends(latency.median_ns) if latency else None,
        p90=_ends(latency.p90_interval_ns) if latency else None,
        p99=_ends(latency.p99_interval_ns) if latency else None,
        paced=_ends(response_p99_ns(cell)),
        startup=cell.startup.total_ns.estimate if cell.startup else None,
        cold=cold.total_ns.estimate if cold else None,
        sustained=_ends(sustained.plateau_ns) if sustained else None,
        retained=sustained.retained if sustained else None,
        energy=_ends(energy.net_joules) if energy else None,
        meter=texts.number(meter) if (meter := meter_of(cell)) else None,
        instructions=cell.instructions_per_inference or None,
        processes=(
            tuple(latency_medians_ns(cell)),
            tuple(startups_ns(cell)),
            tuple(instruction_counts(cell)),
            tuple(peaks_rss_bytes(cell)),
        ),
        cost=cost_figure(cell),
        figures=figure_texts(cell),
        cautions=tuple(map(texts.number, cautions(cell, "measured"))),
        all_cautions=tuple(map(texts.number, cautions(cell, "none"))),
        reasons=tuple(
            (printable(one.code), one.severity, printable(one.detail)) for one in cell.verdict.reasons
        ),
        details=tuple(texts.number(part) for detail in describe_details(cell) for part in detail),
        strips=process_quantiles(cell),
    )


def process_quantiles(cell: Cell) -> tuple[tuple[int, ...], ...]:
    """Of each process the quantiles of its timed inferences, in thousandths off the cell's median."""
    if cell.latency is None:
        return ()
    median = cell.latency.median_ns.estimate
    return tuple(
        tuple(np.rint(1000 * (np.percentile(one.latencies_ns, QUANTILES) / median - 1)).astype(int).tolist())
        for one in cell.processes
        if one.latencies_ns
    )


def _ends(interval: Interval | None) -> Ends | None:
    if interval is None:
        return None
    return interval.low, interval.estimate, interval.high, interval.confidence
