"""Which variants to measure next so that the best one within a budget is found with few measurements.

What a variant is worth is known before it is measured: its published accuracy. What it costs is not, but no
figure shrinks when width or resolution grow. So a measured variant that is over a limit rules out all that
are larger in both, of the same precision; and one that is within the budget rules out all that are worth
less. Only what this proves is left unmeasured. A rough fit to the cells measured so far decides the order,
and nothing else.

What trained weights are worth is measured only after the search: then limits alone rule variants out.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from harness.analysis.budget import Budget, Quantity, find_misses, limited
from harness.analysis.conformal import fit_relative
from harness.analysis.known_accuracy import published_top1
from harness.analysis.network_cost import macs_of, moved_of
from harness.analysis.published import published_accuracy
from harness.errors import UsageError
from harness.records import RANDOM_WEIGHTS, Cell, Variant
from harness.system.text import printable

# Variants of one group differ in nothing but shape.
Group = tuple[str, str, int]
Key = tuple[Group, float, int, str | None, str | None]


@dataclass(frozen=True)
class Choice:
    """What is known of a search: variants to measure `next` (none: decided), and those `ruled_out` so far.

    `best` is the most accurate one that was measured within the budget; None of trained weights, whose
    accuracies are not known.
    """

    next: tuple[Variant, ...]
    ruled_out: tuple[Variant, ...]
    best: Variant | None


def check_searchable(variants: Sequence[Variant], budget: Budget, *, ranked: bool = True) -> None:
    """Refuse a search that could not decide anything before it measures.

    Not `ranked` are the variants of trained weights, which limits alone rule out.

    Raises:
        UsageError: no cost is limited, or some variants have a published accuracy and others have none.
    """
    if not limited(budget):
        raise UsageError(
            "--search needs a limit on what an inference costs", hint="for example --max-latency 20ms"
        )
    if not ranked:
        return
    if budget.min_accuracy is not None and not any(map(published_accuracy, variants)):
        raise UsageError(
            "--search cannot keep --min-accuracy: none of the variants has a published accuracy",
            hint="leave out --min-accuracy, or measure all variants without --search",
        )
    unknown = [variant.name for variant in variants if published_accuracy(variant) is None]
    if unknown and len(unknown) < len(variants):
        raise UsageError(
            f"--search ranks by published accuracy, and there is none for {', '.join(unknown)}",
            hint="leave these out, or measure all variants without --search",
        )


def is_by_limits_alone(variants: Sequence[Variant]) -> bool:
    """Whether what the variants are worth is not known: published accuracies are not of trained weights."""
    return any(one.weights.source != RANDOM_WEIGHTS.source for one in variants)


def check_clock(cells: Sequence[Cell], budget: Budget) -> None:
    """Refuse a limit on times that the device's clock cannot measure; known once it has a cell."""
    if cells and cells[0].device.emulated and any(quantity.is_time for quantity in limited(budget)):
        clock = cells[0].device.clock
        raise UsageError(
            f"the clock of {printable(cells[0].device.name)} is {clock}: its times decide no search",
            hint="limit instructions instead (--max-instructions 60M), or search on a real device",
        )


def choose_next(variants: Sequence[Variant], cells: Iterable[Cell], budget: Budget) -> Choice:
    """At most one variant of each precision, from the cells of one device; none once the best one is
    proved."""
    measured: dict[Key, list[Cell]] = {}
    for cell in cells:
        measured.setdefault(_key(cell.variant), []).append(cell)
    done = [variant for variant in variants if _key(variant) in measured]
    by_limits_alone = is_by_limits_alone(variants)
    fitting = [one for one in done if any(_is_within(cell, budget) for cell in measured[_key(one)])]
    best = None if by_limits_alone else max(fitting, key=_quality, default=None)
    over = [one for one in done if all(_is_surely_over(cell, budget) for cell in measured[_key(one)])]
    waiting = [variant for variant in variants if _key(variant) not in measured]
    least = None if by_limits_alone else budget.min_accuracy
    ruled_out = [one for one in waiting if _is_ruled_out(one, best, over, least)]
    open_ = [one for one in waiting if one not in ruled_out]
    groups = dict.fromkeys(_group(one) for one in open_)
    chosen = [
        _choose(
            [one for one in open_ if _group(one) == group],
            [cell for one in done if _group(one) == group for cell in measured[_key(one)]],
            budget,
        )
        for group in groups
    ]
    return Choice(tuple(chosen), tuple(ruled_out), best)


def _choose(candidates: Sequence[Variant], cells: Sequence[Cell], budget: Budget) -> Variant:
    """The most accurate candidate that is probably within the budget; else the one that may rule out the
    most."""
    if not cells:
        # Nothing is known of this precision: the middle of its shapes halves what is left either way.
        by_size = sorted(candidates, key=macs_of)
        return by_size[len(by_size) // 2]
    expected = {one: _expected_share(one, cells, budget) for one in candidates}
    likely = [one for one in candidates if expected[one] <= 1]
    if likely:
        return max(likely, key=lambda one: (_quality(one), -expected[one]))
    return max(
        candidates, key=lambda one: (sum(_is_larger(other, one) for other in candidates), -expected[one])
    )


def _expected_share(variant: Variant, cells: Sequence[Cell], budget: Budget) -> float:
    """What the variant would probably need of the limit that it comes closest to, or misses most."""
    shares = [
        _expected(variant, quantity, cells) / allowed
        for quantity in limited(budget)
        if (allowed := quantity.limit(budget))
    ]
    return max(shares, default=0.0)


def _expected(variant: Variant, quantity: Quantity, cells: Sequence[Cell]) -> float:
    known = {cell.variant: needed for cell in cells if (needed := quantity.worst(cell))}
    if not known:
        return math.inf
    if len(known) == 1:
        ((only, needed),) = known.items()
        return needed * macs_of(variant) / macs_of(only)
    features = np.array([_rough_cost(one) for one in known])
    return float(fit_relative(features, np.array(list(known.values()))) @ _rough_cost(variant))


def _rough_cost(variant: Variant) -> tuple[float, float, float]:
    return 1.0, float(macs_of(variant)), float(moved_of(variant))


def _is_ruled_out(
    variant: Variant, best: Variant | None, over: Iterable[Variant], min_accuracy: float | None
) -> bool:
    if best is not None and _quality(variant) < _quality(best):
        return True
    published = published_accuracy(variant)
    if min_accuracy is not None and (published is None or published.top1 < min_accuracy):
        return True
    return any(_group(one) == _group(variant) and _is_larger(variant, one) for one in over)


def _is_larger(variant: Variant, other: Variant) -> bool:
    return all(one >= than for one, than in zip(variant.shape, other.shape, strict=True))


def _is_within(cell: Cell, budget: Budget) -> bool:
    return cell.usable and not find_misses(cell, published_top1(cell), budget)


def _is_surely_over(cell: Cell, budget: Budget) -> bool:
    """Whether a figure that nothing distorted is over its limit, so that larger variants are over it, too."""
    return cell.failure is None and any(
        miss.quantity is not None and miss.needed is not None and _is_undistorted(cell, miss.quantity)
        for miss in find_misses(cell, None, budget)
    )


def _is_undistorted(cell: Cell, quantity: Quantity) -> bool:
    affecting = {"result", "setup", *(("time", "uncertainty") if quantity.is_time else ("instructions",))}
    return not any(
        reason.severity != "info" and reason.affects in affecting for reason in cell.verdict.reasons
    )


def _quality(variant: Variant) -> float:
    """What `pick` ranks unmeasured accuracies by: the published one, or the size where there is none."""
    published = published_accuracy(variant)
    return float(macs_of(variant)) if published is None else published.top1


def _group(variant: Variant) -> Group:
    return variant.precision, variant.padding, variant.outputs


def _key(variant: Variant) -> Key:
    """Of random weights the digest is known only once they are lowered."""
    weights = variant.weights
    trained = weights.source != RANDOM_WEIGHTS.source
    return _group(variant), *variant.shape, *((weights.sha256, weights.entry) if trained else (None, None))
