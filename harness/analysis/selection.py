"""The variant to ship within a budget: the most accurate whose figures, at their worst end, fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.analysis.published import published_accuracy
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
    """What fits best, if anything does; `basis` says by which figure accuracy was ranked."""

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
        UsageError: the device is unknown or ambiguous, or its clock is not real and a latency is asked for.
    """
    candidates = _on_device(cells, device)
    if (max_latency_ns, max_startup_ns) != (None, None) and candidates[0].device.emulated:
        name, clock = printable(candidates[0].device.name), candidates[0].device.clock
        raise UsageError(
            f"the time on {name} is {clock}: it does not answer a budget in milliseconds",
            hint="limit instructions instead (--max-instructions 60M), or measure on a real device",
        )
    limits = (
        _limit(max_latency_ns, _worst_latency_ns, "latency", _ms),
        _limit(max_startup_ns, _worst_startup_ns, "startup", _ms),
        _limit(max_instructions, lambda cell: cell.instructions_per_inference, "instructions", _millions),
        _limit(max_memory_bytes, _peak_bytes, "peak memory", _mb),
        _limit(max_size_bytes, lambda cell: cell.artifact.size_bytes, "file size", _mb),
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
        figures.append(f"{_ms(median.estimate)} (at most {_ms(median.high)})")
    if cell.startup is not None and not cell.device.emulated:
        figures.append(f"startup {_ms(cell.startup.total_ns.estimate)}")
    if cell.instructions_per_inference is not None:
        figures.append(f"{_millions(cell.instructions_per_inference)} instructions")
    if cell.memory is not None:
        figures.append(f"{_mb(cell.memory.peak_rss_bytes)} peak memory")
    figures.append(f"{_mb(cell.artifact.size_bytes)} file")
    known = _accuracy(cell)
    if known is not None:
        source, low, estimate = known
        at_least = f" (at least {low:.1%})" if source == "measured" else ", not measured here"
        figures.append(f"{source} top-1 {estimate:.1%}{at_least}")
    return f"{_name(cell)} on {printable(cell.device.name)}: {', '.join(figures)}"


_BASES = {
    "measured": "by measured accuracy",
    "published": "by the published accuracy of checkpoints of that shape, not measured here",
    "macs": "with multiply-accumulates standing in for accuracy, which is neither measured nor published",
}


def _on_device(cells: Sequence[Cell], device: str | None) -> tuple[Cell, ...]:
    """The cells of the device that is named in full or, when exactly one fits, in part."""
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
    most: float | None, figure: Callable[[Cell], float | None], name: str, text: Callable[[float], str]
) -> _Check:
    """A check that gives the reason why a cell is over the limit, or None."""

    def check(cell: Cell) -> str | None:
        value = figure(cell)
        if most is None or (value is not None and value <= most):
            return None
        if value is None:
            return f"{name} not measured"
        return f"{name} up to {text(value)} is over {text(most)}"

    return check


def _accuracy_limit(least: float | None) -> _Check:
    def check(cell: Cell) -> str | None:
        known = _accuracy(cell)
        if least is None or (known is not None and known[1] >= least):
            return None
        if known is None:
            return "accuracy neither measured nor published"
        source, low, _ = known
        return (
            f"{source} top-1 {'of at least' if source == 'measured' else 'of'} {low:.1%} is under {least:.1%}"
        )

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


def _accuracy(cell: Cell) -> tuple[Literal["measured", "published"], float, float] | None:
    """Source, lower end and estimate of top-1; the accuracy of random weights says nothing of the variant."""
    if cell.accuracy is not None and cell.variant.weights.source != "random":
        return "measured", cell.accuracy.top1.low, cell.accuracy.top1.estimate
    published = published_accuracy(cell.variant)
    return None if published is None else ("published", published.top1, published.top1)


def _basis(cells: Sequence[Cell]) -> Basis:
    """The one kind of accuracy that all cells share: unlike kinds cannot be ranked together."""
    known = [_accuracy(cell) for cell in cells]
    data = {(cell.accuracy.dataset, cell.accuracy.split) for cell in cells if cell.accuracy}
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
    if cell.device.emulated or cell.latency is None:
        return float(cell.instructions_per_inference or 0)
    return cell.latency.median_ns.estimate


def _cautions(cell: Cell, basis: Basis) -> tuple[str, ...]:
    cautions = [
        ("suspect: " if reason.severity == "suspect" else "") + printable(reason.detail)
        for reason in cell.verdict.reasons
    ]
    if cell.variant.weights.source == "random":
        cautions.append("its weights are random: train or load weights before shipping it")
    elif basis == "published":
        cautions.append("measure its accuracy before shipping it: harness evaluate")
    if cell.device.clock == "emulated":
        cautions.append("its peak memory includes the emulator's own")
    return tuple(cautions)


def _worst_latency_ns(cell: Cell) -> float | None:
    return None if cell.latency is None else cell.latency.median_ns.high


def _worst_startup_ns(cell: Cell) -> float | None:
    return None if cell.startup is None else cell.startup.total_ns.high


def _peak_bytes(cell: Cell) -> float | None:
    return None if cell.memory is None else cell.memory.peak_rss_bytes


def _name(cell: Cell) -> str:
    threads = f"{cell.plan.threads} {'thread' if cell.plan.threads == 1 else 'threads'}"
    return f"{cell.variant.name}, {threads}"


def _ms(value: float) -> str:
    return f"{_short(value / 1e6)} ms"


def _mb(value: float) -> str:
    return f"{_short(value / 1e6)} MB"


def _millions(value: float) -> str:
    return f"{_short(value / 1e6)} M"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
