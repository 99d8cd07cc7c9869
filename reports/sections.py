"""Cells grouped by device and clock for a report: different clocks never share an axis."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from harness.analysis.clusters import cores_name
from harness.analysis.device_pools import NO_POOLS, DevicePool, Pools
from harness.analysis.flags import is_flagged
from harness.analysis.frontier import frontier
from harness.analysis.machines import name_machines_apart
from harness.analysis.paced_figures import keeps_rate
from harness.analysis.precisions import in_order
from harness.analysis.runtimes import runtime_title
from harness.analysis.variant_labels import label_variants
from harness.records import EXECUTORCH, Cell, DeviceInfo, Weights
from harness.records.requests import exact_rate
from harness.system.text import printable
from reports.figures import Estimate, Scale, Top1, clock_mark, cost_of, scale_of, top1_of
from reports.numbers import count_span
from reports.predictions import Predicted, predict_rest


class Place(NamedTuple):
    """How many threads ran on which cores (a cluster or a CPU list); empty where they were not pinned.

    `rate_hz` are inferences a second, 0 where they ran back to back; `options` XNNPACK's, empty for its
    defaults; `runtime` one beside ExecuTorch, else empty.
    """

    threads: int
    cores: str
    rate_hz: float
    options: str = ""
    runtime: str = ""

    @property
    def text(self) -> str:
        """`2 threads on big`."""
        return self._placed(f"{self.threads} {'thread' if self.threads == 1 else 'threads'}")

    @property
    def short(self) -> str:
        """`2t on big`."""
        return self._placed(f"{self.threads}t")

    def _placed(self, threads: str) -> str:
        placed = f"{threads} on {self.cores}" if self.cores else threads
        paced = f" at {exact_rate(self.rate_hz)}/s" if self.rate_hz else ""
        return ", ".join(filter(None, (placed + paced, self.options, self.runtime)))


@dataclass(frozen=True)
class Point:
    """A cell that can be drawn: not failed, not invalid, with a cost on the section's scale."""

    cell: Cell
    cost: Estimate
    top1: Top1 | None

    @property
    def placement(self) -> Place:
        """Where the cell ran."""
        return placement_of(self.cell)

    @property
    def shape(self) -> tuple[float, int]:
        """Width multiplier and resolution; raises ValueError for the user's own program."""
        return self.cell.variant.shape

    @property
    def million_macs(self) -> float:
        """Multiply-accumulates of an inference in millions; raises as `shape` does."""
        if self.cell.artifact.macs is None:
            raise ValueError(f"{self.cell.name} has no number of multiply-accumulates")
        return self.cell.artifact.macs / 1e6

    @property
    def suspect(self) -> bool:
        """Whether plots mark the point as suspect."""
        return is_flagged(self.cell)


@dataclass(frozen=True)
class Section:
    """All cells of one device; `slug` is unique among the sections and safe in a file name.

    `positions` are the cells' places in what was arranged; `predicted` are variants beside them, on request.
    With a `pool`, the answer for the device is that of all sections of this pool.
    """

    device: DeviceInfo
    slug: str
    cells: tuple[Cell, ...]
    positions: tuple[int, ...] = ()
    predicted: tuple[Predicted, ...] = ()
    pool: DevicePool | None = None

    @property
    def title(self) -> str:
        """The device's name, and its clock if that is not real."""
        return f"{printable(self.device.name)} {clock_mark(self.device)}".strip()

    @property
    def scale(self) -> Scale:
        """The unit and label of the cost axis."""
        return scale_of(self.device)

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """The cells that can be drawn, smallest network first."""
        pairs = ((cell, cost_of(cell)) for cell in self.measured)
        points = [Point(cell, cost, top1_of(cell)) for cell, cost in pairs if cost is not None]
        return tuple(sorted(points, key=lambda point: (point.cell.artifact.macs or 0, point.cost.value)))

    @property
    def of_network(self) -> tuple[Point, ...]:
        """The points that have a width, a resolution and multiply-accumulates: no own programs."""
        return tuple(point for point in self.points if not point.cell.variant.is_own_program)

    @cached_property
    def measured(self) -> tuple[Cell, ...]:
        """The cells whose figures may be shown: not failed, not invalid."""
        return tuple(cell for cell in self.cells if cell.usable)

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions of the points, fp32 first."""
        return in_order(point.cell.variant.precision for point in self.points)

    @property
    def placements(self) -> tuple[Place, ...]:
        """Where the points ran, fewest threads first."""
        return tuple(sorted({point.placement for point in self.points}))

    @property
    def without_cost(self) -> str:
        """Why no point can be drawn; only meaningful if there are none."""
        if not self.measured:
            return "every cell failed or is invalid"
        reasons = {p.counters_unavailable for cell in self.measured for p in cell.processes}
        why = "; ".join(sorted(printable(reason) for reason in reasons if reason)) or "no counter"
        return f"{self.device.clock} times do not predict phone latency; no instructions were counted ({why})"

    def frontiers(self) -> dict[tuple[str, str], tuple[Point, ...]]:
        """The Pareto frontier for each source of accuracy; sources are never mixed."""
        return {source: best(points) for source, points in self.by_accuracy_source().items()}

    def by_accuracy_source(self) -> dict[tuple[str, str], tuple[Point, ...]]:
        """The points that have an accuracy, by (`measured` or `published`, source)."""
        grouped: dict[tuple[str, str], list[Point]] = {}
        for point in self.points:
            if point.top1 is not None:
                grouped.setdefault((point.top1.kind, point.top1.source), []).append(point)
        return {source: tuple(points) for source, points in sorted(grouped.items())}

    def provenance(self, shown: int | None = None, *, latency: bool = True, how_often: str = "") -> str:
        """The footnote of a plot: device, clock, processes, samples, weights, cells left out.

        Without `latency` the plot shows other figures; `how_often` says of which processes, where these are
        not those that latency is of.
        """
        cells = self.measured
        shown = len(self.points) if shown is None else shown
        counted = [how_often] if how_often else _how_often(cells)
        parts = [self._where(), *counted, *_weights_note(cells)]
        if latency and not self.device.emulated:
            parts.append("Latency: median of process medians with 95 % interval")
        if any(cell.accuracy for cell in cells):
            parts.append("Measured accuracy: with Wilson 95 % interval")
        if any(is_flagged(cell) for cell in cells):
            parts.append("× marks suspect cells")  # noqa: RUF001
        if missing := len(self.cells) - shown:
            parts.append(
                f"{missing} of {len(self.cells)} cells left out (failed, invalid or without the figure)"
            )
        return ". ".join(parts) + "."

    def _where(self) -> str:
        clocks = {
            "real": "real clock",
            "emulated": "emulated: wall-clock time does not predict phone latency",
            "virtual": "virtual time: repeats, does not predict phone latency",
        }
        model = printable(self.device.model)
        name = printable(self.device.name)
        device = name if model in ("", name) else f"{name} ({model})"
        return f"{device}, {self.device.abi}, {clocks[self.device.clock]}"


def placement_of(cell: Cell) -> Place:
    """Where the cell ran."""
    options = (cell.plan.backend_options or "").replace("-", " ")
    name = cell.variant.runtime
    runtime = "" if name == EXECUTORCH else runtime_title(name)
    return Place(cell.plan.threads, cores_name(cell), cell.plan.rate_hz or 0.0, options, runtime)


def best(points: Sequence[Point]) -> tuple[Point, ...]:
    """The points on the frontier, cheapest first; a cell that misses its rate is on none."""
    kept = [point for point in points if keeps_rate(point.cell)]
    pairs = [(point.cost.value, point.top1.percent.value) for point in kept if point.top1]
    return tuple(kept[index] for index in frontier(pairs))


def arrange(
    cells: Sequence[Cell], *, predicted: bool = False, pools: Pools = NO_POOLS
) -> tuple[Section, ...]:
    """One section for each device and clock, in order of first appearance; real clocks come first.

    With `predicted`, each has the variants that can be predicted from its cells.
    """
    apart = name_machines_apart(cells)
    found = [pools.pool_of(cell.device) for cell in cells]
    named = label_variants(apart, [pool or cell.device.name for pool, cell in zip(found, apart, strict=True)])
    grouped: dict[tuple[str, str], list[int]] = {}
    for position, cell in enumerate(named):
        grouped.setdefault((cell.device.name, cell.device.clock), []).append(position)
    sections: list[Section] = []
    for (name, _), positions in sorted(grouped.items(), key=lambda one: one[0][1] != "real"):
        slug = _slug(name, taken={section.slug for section in sections})
        members = tuple(named[position] for position in positions)
        rest = predict_rest(members) if predicted else ()
        pool = found[positions[0]]
        sections.append(Section(members[0].device, slug, members, tuple(positions), rest, pool))
    return tuple(sections)


def _slug(name: str, taken: set[str]) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "device"
    slug, number = stem, 2
    while slug in taken:
        slug, number = f"{stem}-{number}", number + 1
    return slug


def _how_often(cells: Sequence[Cell]) -> list[str]:
    if not cells:
        return []
    processes = count_span(len(cell.processes) for cell in cells)
    samples = count_span(sum(len(p.latencies_ns) for p in cell.processes) for cell in cells)
    return [f"Each cell: {processes} fresh process{'es' * (processes != '1')}, {samples} timed inferences"]


def _weights_note(cells: Sequence[Cell]) -> list[str]:
    sources = {weights_text(cell.variant.weights) for cell in cells}
    if any(cell.variant.weights.source == "random" for cell in cells):
        return ["Weights are random: published accuracy is not that of these files"]
    return [f"Weights: {', '.join(sorted(sources))}"] if sources else []


def weights_text(weights: Weights) -> str:
    """The origin of the parameters, as text."""
    if weights.source == "random":
        return f"random (seed {weights.seed})"
    return printable(weights.source) + (f" (sha256 {weights.sha256[:12]})" if weights.sha256 else "")
