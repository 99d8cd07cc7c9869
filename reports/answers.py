"""What to ship on each device or pool, as short texts: the first thing that both pages say.

`templates/answer.js` says the same for a budget that is typed into the page; a test compares the two.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.budget import Budget, Miss, limited
from harness.analysis.candidates import NO_SUSTAINED_FIGURE, Candidate, Rejected
from harness.analysis.cell_groups import CellGroup
from harness.analysis.cell_text import placement, suspect_mark
from harness.analysis.clusters import placed_on
from harness.analysis.joint_text import joint_basis_text
from harness.analysis.miss_text import advice, kind_of_miss
from harness.analysis.pool_facts import PoolFacts, describe_in_pool
from harness.analysis.runtimes import program_file
from harness.analysis.selection import Answer, ForAll, Upgrade, answer_for
from harness.analysis.selection_text import (
    answer_cautions,
    assumptions,
    describe_repeats,
    on_device,
)
from harness.records import Cell
from harness.records.outcomes import OutcomesByFigures
from harness.system.text import printable
from reports.cell_figures import accuracy_figure, cell_name, cost_figure, figure_texts, placed_name
from reports.numbers import significant

SHOWN_NAMES = 5


@dataclass(frozen=True)
class AnswerText:
    """`name` is the variant to ship, or says that there is none; `file` is its program and digest."""

    kicker: str
    name: str
    placement: str = ""
    figures: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True)
class Shipped:
    """The answer for a device or a pool, and its text; without `answer` its clock cannot keep the budget."""

    answer: Answer | None
    text: AnswerText

    @property
    def cell(self) -> Cell | None:
        """The cell to ship."""
        return self.answer.best.cell if self.answer and self.answer.best else None


def ship(group: CellGroup, budget: Budget, outcomes: OutcomesByFigures) -> Shipped:
    """What `harness pick` chooses among the cells of one device or pool."""
    if group.device.emulated and any(one.is_time for one in limited(budget)):
        return Shipped(None, _without_time(group.device.clock))
    answer = answer_for(group, budget, outcomes)
    return Shipped(answer, describe_answer(answer, budget))


def describe_answer(answer: Answer, budget: Budget) -> AnswerText:
    """The text of an answer that `pick` gave within a budget."""
    best = answer.best
    common = (*_set_aside(answer), *_rejections(answer.rejected, budget))
    if best is None:
        found = bool(answer.set_aside)
        return AnswerText(
            kicker="No answer",
            name="Nothing can be ranked" if found else "Nothing fits the budget",
            why=(*_nearest(answer, budget), *common),
        )
    cell = best.cell
    accuracy = (accuracy_figure(best.accuracy),) if best.accuracy else ()
    return AnswerText(
        kicker="Ship this, by instruction counts only" if answer.device.emulated else "Ship this",
        name=cell_name(cell),
        placement=placement(cell),
        figures=(cost_figure(cell, budget), *accuracy, *figure_texts(cell, budget), cell.verdict.status),
        why=(*_why(answer, best, budget), *common),
        cautions=answer_cautions(answer, best, budget),
        file=f"{printable(program_file(cell.variant))}, sha256 {cell.artifact.sha256}",
    )


def describe_for_all(
    joint: ForAll | None, devices: Sequence[str], budget: Budget, *, pooled: bool = False
) -> str:
    """The best single file for all devices, which are named in the order of their answers.

    With `pooled`, some of them are pools.
    """
    everything = f"For all {len(devices)} devices{' and pools' if pooled else ''}"
    if joint is None:
        lacking = "within the budget" if budget.limits_anything else "a candidate"
        return f"{everything}: no file is {lacking} on each of them."
    costs = "; ".join(
        f"on {device} {cost_figure(one.cell, budget)}, {placement(one.cell)}{suspect_mark(one.cell)}"
        for device, one in zip(devices, joint.candidates, strict=True)
    )
    return f"{everything}: {cell_name(joint.candidates[0].cell)}, {joint_basis_text(joint)}: {costs}."


def describe_budget(budget: Budget) -> tuple[str, ...]:
    """Each limit in words: `latency ≤ 20 ms`."""
    texts = [
        f"{quantity.name} ≤ {quantity.text(limit)}"
        for quantity in limited(budget)
        if (limit := quantity.limit(budget)) is not None
    ]
    if budget.sustained and budget.max_latency_ns is None:
        texts.append("ranked by sustained latency")
    if budget.min_accuracy is not None:
        texts.append(f"top-1 ≥ {_percent(budget.min_accuracy)}")
    if budget.threads:
        texts.append(f"{' or '.join(map(str, budget.threads))} threads")
    if budget.cores:
        texts.append(f"on {printable(budget.cores)} cores")
    if budget.precisions:
        texts.append(" or ".join(map(printable, budget.precisions)))
    return tuple(texts)


def _why(answer: Answer, best: Candidate, budget: Budget) -> tuple[str, ...]:
    sentences = [*(in_pool(best.cell, answer.pool) if answer.pool else ()), _rank(answer, best, budget)]
    sentences += [_upgrade(answer, one) for one in answer.upgrades]
    if answer.probability is not None:
        where, assumed = on_device(answer, best.cell), assumptions(best, budget)
        chance = _chance(answer.probability)
        sentences.append(f"It meets the budget{where} with a probability of {chance}{assumed}.")
    if best.repeats:
        repeated = describe_repeats(best, lambda cell: cost_figure(cell, budget), budget)
        sentences.append(f"{repeated[0].upper()}{repeated[1:]}.")
    if best.other_placements:
        others = "; ".join(
            f"{placement(cell)}{on_device(answer, cell)} ({cost_figure(cell, budget)}{suspect_mark(cell)})"
            for cell in best.other_placements
        )
        also = "Also within the budget" if budget.limits_anything else "Also measured"
        sentences.append(f"{also}: {others}.")
    if answer.runner_up:
        other = answer.runner_up
        suspect = suspect_mark(other.cell)
        accuracy = f", {accuracy_figure(other.accuracy)}" if other.accuracy else ""
        sentences.append(
            f"Runner-up{suspect}: {_named(answer, other.cell)}: {cost_figure(other.cell, budget)}{accuracy}."
        )
    return tuple(sentences)


def in_pool(cell: Cell, pool: PoolFacts) -> tuple[str, ...]:
    """Which device of its pool measured the cell, and how unequal the devices are, as sentences."""
    return tuple(f"{line[0].upper()}{line[1:]}." for line in describe_in_pool(cell, pool))


def _named(answer: Answer, cell: Cell) -> str:
    return placed_name(cell) + on_device(answer, cell)


def _rank(answer: Answer, best: Candidate, budget: Budget) -> str:
    count = len(answer.ranked)
    limited = budget.limits_anything
    of = f"{count} within the budget" if limited else f"{count} candidates"
    if count == 1:
        kept = " within the budget" if limited else ""
        return f"The only candidate{kept}{' that can be ranked' if answer.set_aside else ''}."
    valid = " valid" if best.cell.verdict.status == "valid" else ""
    if answer.basis == "none" and best.cell.variant.is_own_program:
        return f"The cheapest{valid} of {of}: the accuracy of own programs is not known."
    basis = {
        "measured": f", measured on {answer.data}",
        "published": ", by published accuracy, not measured here",
        "none": "",
    }[answer.basis]
    quality = "largest" if answer.basis == "none" else "most accurate"
    unknown = ": no accuracy is known, neither measured nor published" if answer.basis == "none" else ""
    if answer.tied == 1:
        return f"The {quality} of {of}{basis}{unknown}."
    alike = "are equally large" if answer.basis == "none" else "cannot be distinguished"
    counted = f"{count} are within the budget" if limited else f"there are {of}"
    return (
        f"The cheapest{valid} one of the {answer.tied} {quality}, which {alike}{basis}{unknown}; {counted}."
    )


def _upgrade(answer: Answer, upgrade: Upgrade) -> str:
    gain = "a larger network" if upgrade.gain_pp is None else f"{upgrade.gain_pp:+z.1f} points"
    name = _named(answer, upgrade.candidate.cell) + suspect_mark(upgrade.candidate.cell)
    misses = upgrade.rejected.misses
    if len(misses) > 1:
        reasons = "; ".join(miss.reason for miss in misses)
        return f"The next better one, {name} ({gain}), misses several limits: {reasons}."
    (miss,) = misses
    if miss.quantity is None or miss.needed is None:
        more = f"{100 * abs((miss.needed or 0) - miss.allowed):.1f} points less"
        return f"The {miss.limit} limit decides: {more} admits {gain}: {name}."
    excess = miss.needed - miss.allowed
    rate = ""
    if upgrade.gain_pp is not None:
        points = significant(upgrade.gain_pp / excess * miss.quantity.unit_size, 2)
        rate = f" ({points} points per {miss.quantity.unit})"
    return f"The {miss.limit} limit decides: {miss.quantity.text(excess)} more buys {gain}{rate}: {name}."


def _nearest(answer: Answer, budget: Budget) -> tuple[str, ...]:
    nearest = answer.nearest
    if nearest is None:
        return ()
    relaxed = tuple(_relax(miss) for miss in nearest.misses)
    named = f"{_named(answer, nearest.cell)}: {cost_figure(nearest.cell, budget)}"
    return (f"Nearest{suspect_mark(nearest.cell)}: {named}.", *relaxed)


def _relax(miss: Miss) -> str:
    return f"Its {miss.reason}: {advice(miss)}."


def _set_aside(answer: Answer) -> tuple[str, ...]:
    if not answer.set_aside:
        return ()
    why = {
        "measured": "accuracy on the same data",
        "published": "published accuracy",
        "none": "an accuracy or a size of the network",
    }[answer.basis]
    names = [_named(answer, one.cell) for one in answer.set_aside]
    return (f"Set aside, without {why}: {_list_some(names)}.",)


def _list_some(names: Sequence[str]) -> str:
    more = f"; and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return "; ".join(names[:SHOWN_NAMES]) + more


def _rejections(rejected: Sequence[Rejected], budget: Budget) -> tuple[str, ...]:
    if not rejected:
        return ()
    counts = Counter(kind for one in rejected for kind in _kinds(one, budget))
    listed = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    cells = "1 cell" if len(rejected) == 1 else f"{len(rejected)} cells"
    return (f"Rejected: {cells} ({listed}).",)


def _kinds(rejected: Rejected, budget: Budget) -> list[str]:
    cell = rejected.cell
    if cell.failure is not None:
        return ["failed"]
    if cell.verdict.status == "invalid":
        return ["invalid"]
    if budget.precisions and cell.variant.precision not in budget.precisions:
        return ["of another precision"]
    if budget.threads and cell.plan.threads not in budget.threads:
        return ["with other threads"]
    if budget.cores and not placed_on(cell, budget.cores):
        return ["on other cores"]
    if NO_SUSTAINED_FIGURE in rejected.reasons:
        return [NO_SUSTAINED_FIGURE]
    if not rejected.misses:
        return ["at another pace"]
    return list(map(kind_of_miss, rejected.misses))


def _without_time(clock: str) -> AnswerText:
    why = (
        f"The clock is {clock}: its times cannot be compared with a budget in milliseconds. Limit"
        " instructions instead (--max-instructions 60M), or measure on a real device."
    )
    return AnswerText("Counts only", "No times here", why=(why,))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _chance(probability: float) -> str:
    """Never 100 %: the tails are extrapolated from a few processes."""
    return "over 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"
