"""The variant to ship within a budget: the most accurate one whose figures fit, at their worse end."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.machines import name_machines_apart
from harness.analysis.published import published_accuracy
from harness.analysis.quantities import megabytes, millions, milliseconds
from harness.errors import UsageError
from harness.records import Cell
from harness.system.text import printable

Basis = Literal["measured", "published", "macs"]


@dataclass(frozen=True)
class Rejected:
    """A cell outside the budget, and every reason why."""

    cell: Cell
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """The best cell within the budget, if any; `basis` is the figure that accuracy was ranked by."""

    best: Cell | None
    runner_up: Cell | None
    within_budget: int
    basis: Basis
    cautions: tuple[str, ...]
    rejected: tuple[Rejected, ...]


def pick(
    cells: Sequence[Cell],
    *,
    max_latency_ns: float | None = None,
    max_instructions: int | None = None,
    max_memory_bytes: int | None = None,
    max_size_bytes: int | None = None,
    max_startup_ns: float | None = None,
    min_accuracy: float | None = None,
    device: str | None = None,
) -> Choice:
    """Choose among the cells of one device; `min_accuracy` is a fraction of one, top-1.

    Accuracy is the measured one where every cell within the budget has it on the same data, else the
    published one, else (neither known) more multiply-accumulates stand in for more accuracy.

    Raises:
        UsageError: the device is unknown or ambiguous, or its clock is not real and a time is limited.
    """
    candidates = _on_device(cells, device)
    if (max_latency_ns, max_startup_ns) != (None, None) and candidates[0].device.emulated:
        name, clock = printable(candidates[0].device.name), candidates[0].device.clock
        raise UsageError(
            f"the clock of {name} is {clock}: its times cannot be compared with a budget in milliseconds",
            hint="limit instructions instead (--max-instructions 60M), or measure on a real device",
        )
    limits = (
        _limit(max_latency_ns, _worst_latency_ns, "latency", milliseconds),
        _limit(max_startup_ns, _worst_startup_ns, "start-up", milliseconds),
        _limit(
            max_instructions, lambda cell: cell.instructions_per_inference or None, "instructions", millions
        ),
        _limit(max_memory_bytes, _peak_bytes, "peak memory", megabytes),
        _limit(max_size_bytes, lambda cell: cell.artifact.size_bytes, "file size", megabytes),
        _accuracy_limit(min_accuracy),
    )
    judged = [Rejected(cell, _reasons(cell, limits)) for cell in candidates]
    fitting = [each.cell for each in judged if not each.reasons]
    basis = _basis(fitting)
    ranked = sorted(fitting, key=lambda cell: (-_quality(cell, basis), _cost(cell), cell.artifact.size_bytes))
    return Choice(
        best=ranked[0] if ranked else None,
        runner_up=ranked[1] if len(ranked) > 1 else None,
        within_budget=len(ranked),
        basis=basis,
        cautions=_cautions(ranked[0], basis) if ranked else (),
        rejected=tuple(each for each in judged if each.reasons),
    )


def _on_device(cells: Sequence[Cell], device: str | None) -> tuple[Cell, ...]:
    """The cells of the device that is named in full or, when exactly one fits, in part."""
    cells = name_machines_apart(cells)
    names = tuple(dict.fromkeys(cell.device.name for cell in cells))
    listed = ", ".join(printable(name) for name in names)
    if device is None:
        fitting = names
    else:
        fitting = tuple(name for name in names if name == device) or tuple(
            name for name in names if device.casefold() in name.casefold()
        )
    if not fitting:
        raise UsageError(f"no cell was measured on {device or 'any device'}", hint=f"measured were: {listed}")
    if len(fitting) > 1:
        raise UsageError("the cells are of several devices", hint=f"name one with --device: {listed}")
    return tuple(cell for cell in cells if cell.device.name == fitting[0])


_Check = Callable[[Cell], str | None]


def _limit(
    maximum: float | None, figure: Callable[[Cell], float | None], name: str, text: Callable[[float], str]
) -> _Check:
    """A check that gives the reason why a cell is over the limit, or None."""

    def check(cell: Cell) -> str | None:
        value = figure(cell)
        if maximum is None or (value is not None and value <= maximum):
            return None
        if value is None:
            return f"{name} not measured"
        return f"{name} up to {text(value)} is over {text(maximum)}"

    return check


def _accuracy_limit(minimum: float | None) -> _Check:
    def check(cell: Cell) -> str | None:
        known = known_accuracy(cell)
        if minimum is None or (known is not None and known[1] >= minimum):
            return None
        if known is None:
            return "accuracy neither measured nor published"
        source, low, _ = known
        of = "of at least" if source == "measured" else "of"
        return f"{source} top-1 {of} {low:.1%} is under {minimum:.1%}"

    return check


def _reasons(cell: Cell, limits: Sequence[_Check]) -> tuple[str, ...]:
    if cell.failure is not None:
        return (f"failed: {printable(cell.failure.what)}",)
    if cell.verdict.status == "invalid":
        return tuple(
            f"invalid: {printable(reason.detail)}"
            for reason in cell.verdict.reasons
            if reason.severity == "invalid"
        )
    return tuple(reason for check in limits if (reason := check(cell)) is not None)


def known_accuracy(cell: Cell) -> tuple[Literal["measured", "published"], float, float] | None:
    """Source, lower end and estimate of top-1; that of random weights is not the variant's."""
    if cell.accuracy is not None and cell.variant.weights.source != "random":
        return "measured", cell.accuracy.top1.low, cell.accuracy.top1.estimate
    published = published_accuracy(cell.variant)
    return None if published is None else ("published", published.top1, published.top1)


def _basis(cells: Sequence[Cell]) -> Basis:
    """The kind of accuracy that all cells share: different kinds cannot be ranked together."""
    known = [known_accuracy(cell) for cell in cells]
    data = {
        (cell.accuracy.dataset, cell.accuracy.split, cell.accuracy.preprocessing, cell.accuracy.images)
        for cell in cells
        if cell.accuracy
    }
    if all(each is not None and each[0] == "measured" for each in known) and len(data) <= 1:
        return "measured"
    return "published" if all(published_accuracy(cell.variant) for cell in cells) else "macs"


def _quality(cell: Cell, basis: Basis) -> float:
    if basis == "measured" and cell.accuracy is not None:
        return cell.accuracy.top1.estimate
    published = published_accuracy(cell.variant)
    if basis == "published" and published is not None:
        return published.top1
    return float(cell.artifact.macs)


def _cost(cell: Cell) -> float:
    """Infinite where nothing was measured: an unknown cost is never the lowest."""
    if cell.device.emulated:
        return float(cell.instructions_per_inference or math.inf)
    return math.inf if cell.latency is None else cell.latency.median_ns.estimate


def _cautions(cell: Cell, basis: Basis) -> tuple[str, ...]:
    cautions = [
        ("suspect: " if reason.severity == "suspect" else "") + printable(reason.detail)
        for reason in cell.verdict.reasons
    ]
    if cell.variant.weights.source == "random":
        cautions.append("the weights are random: train or load weights before you ship this variant")
    elif basis == "published":
        cautions.append("measure its accuracy before you ship this variant: harness evaluate")
    if cell.device.clock == "emulated":
        cautions.append("its peak memory includes the emulator's own memory")
    return tuple(cautions)


def _worst_latency_ns(cell: Cell) -> float | None:
    return None if cell.latency is None else cell.latency.median_ns.high


def _worst_startup_ns(cell: Cell) -> float | None:
    return None if cell.startup is None else cell.startup.total_ns.high


def _peak_bytes(cell: Cell) -> float | None:
    return None if cell.memory is None else cell.memory.peak_rss_bytes or None
