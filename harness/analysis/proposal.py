"""The predicted variant that would be better than what `pick` chose, and the command that measures it."""

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.analysis.budget import PACED_P99, Budget, limited
from harness.analysis.cell_text import placement
from harness.analysis.clusters import placed_on
from harness.analysis.commands import Words
from harness.analysis.network_cost import macs_of
from harness.analysis.next_run import run_command
from harness.analysis.predicted_figures import FIGURES
from harness.analysis.prediction import Grid, Prediction
from harness.analysis.published import published_accuracy
from harness.analysis.selection import Answer
from harness.records import Interval, Variant
from harness.system.text import printable

_TEXTS = {figure.name: figure.text for figure in FIGURES}


@dataclass(frozen=True)
class Proposal:
    """A variant that nobody measured, and that is probably within the budget.

    `gain_pp` is what its published top-1 is above that of the answer; None where one of them is not known.
    """

    prediction: Prediction
    where: str
    top1: float | None
    gain_pp: float | None
    command: Words


@dataclass(frozen=True)
class NoProposal:
    """Why a device has no proposal."""

    reason: str


def propose(answer: Answer, grids: Iterable[Grid], budget: Budget) -> Proposal | NoProposal:
    """The best prediction of the answer's device that keeps every limit at the worse end of its interval.

    It must be better than the answer by published accuracy, the only one that an unmeasured variant has;
    where no accuracy is known at all, by its size.
    """
    asked = [grid for grid in grids if grid.machine == answer.device.name and _is_asked_for(grid, budget)]
    considered = [grid for grid in asked if grid.placement.rate_hz == budget.rate_hz]
    if unknown := [one for one in limited(budget) if one.name not in _TEXTS]:
        names, options = (
            ", ".join(texts) for texts in zip(*((q.name, q.option) for q in unknown), strict=True)
        )
        are = "is" if len(unknown) == 1 else "are"
        return NoProposal(f"{names} {are} not predicted, so that nothing can be proposed under {options}")
    if asked and not considered:
        return NoProposal(
            f"all was measured at a rate, and {PACED_P99.name} is not predicted: nothing shows that an"
            " unmeasured variant keeps it"
        )
    if not any(one.figures for grid in considered for one in grid.predictions):
        return NoProposal("nothing can be predicted; harness predict gives the reasons")
    fitting = [
        (quality, grid, prediction)
        for grid in considered
        for prediction in grid.predictions
        if prediction.figures and _is_within(prediction, budget)
        if (quality := _quality(prediction.variant, answer)) is not None
    ]
    best = answer.best
    floor = _quality(best.cell.variant, answer) if best else None
    better = [one for one in fitting if floor is None or one[0] > floor]
    if not better:
        return NoProposal(
            "no unmeasured variant is predicted to be better within the budget; harness predict lists them"
        )
    _, grid, prediction = max(better, key=lambda one: (one[0], -_cost(one[2])))
    variant = prediction.variant
    width, side_px = variant.shape
    top1 = _published(variant)
    shipped = _published(best.cell.variant) if best else None
    return Proposal(
        prediction=prediction,
        where=placement(grid.cells[0]),
        top1=top1,
        gain_pp=None if top1 is None or shipped is None else 100 * (top1 - shipped),
        command=run_command(grid.device.name, grid.placement, (width,), (side_px,)),
    )


def describe_proposals(proposals: Mapping[str, Proposal | NoProposal]) -> str:
    """A block for each device: the proposal, or that there is none."""
    return "\n\n".join(
        f"{printable(device)}: {_describe(proposal)}" for device, proposal in proposals.items()
    )


def _describe(proposal: Proposal | NoProposal) -> str:
    if isinstance(proposal, NoProposal):
        return proposal.reason
    prediction = proposal.prediction
    parts = [_figure(_TEXTS[name], name, interval) for name, interval in prediction.figures.items()]
    if proposal.top1 is not None:
        gain = "" if proposal.gain_pp is None else f" ({proposal.gain_pp:+z.1f} points)"
        parts.append(f"published top-1 {proposal.top1:.1%}{gain}, not measured here")
    return (
        f"predicted, not measured: {printable(prediction.variant.name)}, {proposal.where}\n"
        f"  {', '.join(parts)}\n"
        f"  measure it: {shlex.join(proposal.command)}"
    )


def _figure(text: Callable[[float], str], name: str, interval: Interval) -> str:
    return f"{text(interval.estimate)} {name} ({text(interval.low)} to {text(interval.high)})"


def _is_asked_for(grid: Grid, budget: Budget) -> bool:
    placement = grid.placement
    return (
        (not budget.precisions or placement.precision in budget.precisions)
        and (not budget.threads or placement.threads in budget.threads)
        and (not budget.cores or placed_on(grid.cells[0], budget.cores))
    )


def _is_within(prediction: Prediction, budget: Budget) -> bool:
    """Whether the interval's worse end keeps every limit; a limited figure that is not predicted keeps
    none."""
    for quantity in limited(budget):
        allowed = quantity.limit(budget)
        interval = prediction.interval_of(quantity.name)
        if allowed is None or interval is None or interval.high > allowed:
            return False
    top1 = _published(prediction.variant)
    return budget.min_accuracy is None or (top1 is not None and top1 >= budget.min_accuracy)


def _quality(variant: Variant, answer: Answer) -> float | None:
    return float(macs_of(variant)) if answer.basis == "none" else _published(variant)


def _published(variant: Variant) -> float | None:
    published = published_accuracy(variant)
    return None if published is None else published.top1


def _cost(prediction: Prediction) -> float:
    """The worse end of the first figure that is predicted: latency, else instructions."""
    return next(interval.high for interval in prediction.figures.values())
