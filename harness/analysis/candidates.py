"""The candidates of a device or a pool: its files, each in the best placement that it was measured with."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.analysis.budget import (
    Budget,
    Miss,
    decisive_latency_high_ns,
    find_misses,
    instructions_high,
    peak_high_bytes,
    plateau_high_ns,
)
from harness.analysis.clusters import placed_on, placement_name
from harness.analysis.flags import is_flagged
from harness.analysis.known_accuracy import KnownAccuracy, best_data, measured_accuracy, published_top1
from harness.analysis.paced_figures import response_p99_high_ns
from harness.analysis.worst_units import keep_worst_repeats, keep_worst_units
from harness.records import Cell, Variant
from harness.records.outcomes import OutcomesByFigures
from harness.records.requests import exact_rate
from harness.system.text import printable

FileKey = tuple[Variant, str]
NO_SUSTAINED_FIGURE = "no sustained figure"
Preference = tuple[bool, float, float, int, str]


@dataclass(frozen=True)
class Rejected:
    """A cell that is not within the budget, and every reason why; `misses` are the limits among them."""

    cell: Cell
    reasons: tuple[str, ...]
    misses: tuple[Miss, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether only limits stand against the cell, so that another budget would admit it."""
        return len(self.reasons) == len(self.misses)


@dataclass(frozen=True)
class Candidate:
    """One file on one device; of the cells within the budget `cell` has the best placement.

    `repeats` are other measurements of it in this placement, by the same device; the worst one counts.
    """

    cell: Cell
    measured: KnownAccuracy | None
    published: KnownAccuracy | None
    accuracy: KnownAccuracy | None = None
    other_placements: tuple[Cell, ...] = ()
    repeats: tuple[Cell, ...] = ()

    @property
    def key(self) -> FileKey:
        """Equal for the same file on another device."""
        return file_key(self.cell)

    @property
    def quality(self) -> float:
        """What candidates of one basis are ranked by: `accuracy`, or multiply-accumulates without one.

        The user's own programs have neither: all of them are equal, and the cheapest wins.
        """
        return self.accuracy.estimate if self.accuracy else float(self.cell.artifact.macs or 0)


def file_key(cell: Cell) -> FileKey:
    """Equal for cells of the same file."""
    return cell.variant, cell.artifact.sha256


def split_cells(
    cells: Sequence[Cell], budget: Budget, outcomes: OutcomesByFigures
) -> tuple[tuple[Candidate, ...], tuple[Rejected, ...]]:
    """The candidates within the budget, in no order, and the cells outside it.

    Of several measurements of one file in one placement, only the worst counts: of those of a device, and
    then of the devices of a pool.
    """
    measured = measured_by_file(cells, outcomes)
    within: dict[FileKey, list[Cell]] = defaultdict(list)
    rejected: list[Rejected] = []
    judged: list[Rejected] = []
    paces = paces_for(cells, budget)
    for cell in cells:
        accuracy = measured.get(file_key(cell)) or published_top1(cell)
        if reasons := (*_unusable(cell), *_not_asked_for(cell, budget, paces)):
            judged.append(Rejected(cell, reasons))
        else:
            misses = find_misses(cell, accuracy, budget)
            judged.append(Rejected(cell, tuple(miss.reason for miss in misses), misses))
    counted, repeats = keep_worst_repeats(judged, lambda cell: cost(cell, budget))
    for one in keep_worst_units(counted, lambda cell: cost(cell, budget)):
        if one.reasons:
            rejected.append(one)
        else:
            within[file_key(one.cell)].append(one.cell)
    candidates = [
        _candidate(placements, measured.get(key), budget, repeats) for key, placements in within.items()
    ]
    return tuple(candidates), tuple(rejected)


def paces_for(cells: Iterable[Cell], budget: Budget) -> frozenset[float | None]:
    """The rates at which cells of a device are considered: the one that is asked for; else back to back
    (None) if there is any such cell; else all."""
    if budget.rate_hz is not None:
        return frozenset({budget.rate_hz})
    measured = frozenset(cell.plan.rate_hz for cell in cells if cell.usable)
    return frozenset({None}) if None in measured else measured


def outside(
    rejected: Iterable[Rejected], cells: Iterable[Cell], outcomes: OutcomesByFigures
) -> list[tuple[Rejected, Candidate]]:
    """Those of the cells that were rejected and that another budget would admit, each as a candidate."""
    usable = [one for one in rejected if one.usable]
    measured = measured_by_file(cells, outcomes)
    return [
        (one, Candidate(one.cell, measured.get(file_key(one.cell)), published_top1(one.cell)))
        for one in usable
    ]


def preference(cell: Cell, budget: Budget) -> Preference:
    """Sorts the better cell first: valid before suspect, then the cost's worse end, then memory, file.

    On an emulated device what affects time alone is no reason against a cell.
    """
    peak = peak_high_bytes(cell)
    return (
        is_flagged(cell),
        cost(cell, budget),
        math.inf if peak is None else peak,
        cell.artifact.size_bytes,
        cell.name,
    )


def cost(cell: Cell, budget: Budget) -> float:
    """The worse end of the latency that the budget limits, of instructions where the clock is not real.

    Infinite where nothing was measured: an unknown cost is never the lowest.
    """
    latency = None if budget.sustained else cell.latency
    if cell.device.emulated:
        return instructions_high(cell) or math.inf
    if budget.max_latency_ns is None and budget.rate_hz and (high := response_p99_high_ns(cell)):
        return high
    if latency and budget.max_latency_ns is None and budget.max_p99_ns and latency.p99_interval_ns:
        return latency.p99_interval_ns.high
    if latency and budget.max_latency_ns is None and budget.max_p90_ns and latency.p90_interval_ns:
        return latency.p90_interval_ns.high
    return decisive_latency_high_ns(cell, budget) or math.inf


def _candidate(
    placements: list[Cell],
    measured: KnownAccuracy | None,
    budget: Budget,
    repeats: Mapping[int, tuple[Cell, ...]],
) -> Candidate:
    best, *others = sorted(placements, key=lambda cell: preference(cell, budget))
    return Candidate(
        best,
        measured,
        published_top1(best),
        other_placements=tuple(others),
        repeats=repeats.get(id(best), ()),
    )


def measured_by_file(cells: Iterable[Cell], outcomes: OutcomesByFigures) -> dict[FileKey, KnownAccuracy]:
    """Threads and cores do not change what a file computes: the accuracy of any cell is that of its file.

    Of several, that on the data which most files were evaluated on, so that files can be compared.
    """
    found: dict[FileKey, dict[str, KnownAccuracy]] = defaultdict(dict)
    for cell in cells:
        accuracy = measured_accuracy(cell, outcomes)
        if accuracy is not None and cell.usable:
            found[file_key(cell)].setdefault(accuracy.data, accuracy)
    common = best_data(accuracy for of_file in found.values() for accuracy in of_file.values())
    return {
        key: of_file.get(common or "") or _on_most_images(of_file.values()) for key, of_file in found.items()
    }


def _on_most_images(known: Iterable[KnownAccuracy]) -> KnownAccuracy:
    return max(known, key=lambda one: one.images)


def _unusable(cell: Cell) -> tuple[str, ...]:
    if cell.failure is not None:
        return (f"failed: {printable(cell.failure.what)}",)
    if cell.latency is None:
        return ("without a latency",)
    return tuple(
        f"invalid: {printable(reason.detail)}"
        for reason in cell.verdict.reasons
        if cell.verdict.status == "invalid" and reason.severity == "invalid"
    ) or (("invalid",) if cell.verdict.status == "invalid" else ())


def _not_asked_for(cell: Cell, budget: Budget, paces: Collection[float | None]) -> tuple[str, ...]:
    plan, precision = cell.plan, cell.variant.precision
    reasons = []
    if budget.precisions and precision not in budget.precisions:
        reasons.append(f"in {printable(precision)}, not {' or '.join(budget.precisions)}")
    if budget.threads and plan.threads not in budget.threads:
        counted = f"{plan.threads} {'thread' if plan.threads == 1 else 'threads'}"
        reasons.append(f"with {counted}, not {' or '.join(map(str, budget.threads))}")
    if budget.cores and not placed_on(cell, budget.cores):
        reasons.append(f"placed on {printable(placement_name(cell) or 'any core')}, not on {budget.cores}")
    if plan.rate_hz not in paces:
        asked = "back to back" if budget.rate_hz is None else pace_text(budget.rate_hz)
        reasons.append(f"measured {pace_text(plan.rate_hz)}, not {asked}")
    if budget.sustained and plateau_high_ns(cell) is None:
        reasons.append(NO_SUSTAINED_FIGURE)
    return tuple(reasons)


def pace_text(rate_hz: float | None) -> str:
    """`at 30/s`, `back to back`."""
    return "back to back" if rate_hz is None else f"at {exact_rate(rate_hz)}/s"
