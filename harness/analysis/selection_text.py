"""A selection as text for the terminal."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.analysis.budget import PACED_P99, Budget, Miss
from harness.analysis.candidates import NO_SUSTAINED_FIGURE, Candidate, cost
from harness.analysis.cautions import cautions
from harness.analysis.cell_text import cost_text, describe, figures, placed_name, placement, suspect_mark
from harness.analysis.flags import is_flagged
from harness.analysis.joint_text import explain_joint
from harness.analysis.ladder import Step
from harness.analysis.ladder_text import describe_ladder
from harness.analysis.miss_text import advice, kind_of_miss
from harness.analysis.pool_facts import count_devices, describe_in_pool, pool_cautions
from harness.analysis.program_files import ProgramFiles, describe_file
from harness.analysis.selection import Answer, Selection, Upgrade
from harness.records import Cell
from harness.system.text import printable

_RANKED = {
    "measured": "{best} of {count}, measured on {data}",
    "published": "{best} of {count}, by the published accuracy of {data}, not measured here",
    "none": "{best} of {count}; no accuracy is known, neither measured nor published",
}
_ALONE = {
    "measured": "the only {count}; its accuracy was measured on {data}",
    "published": "the only {count}; its accuracy is the published one of {data}, not measured here",
    "none": "the only {count}; no accuracy is known, neither measured nor published",
}
Ladders = Mapping[str, Sequence[Step]]


def explain(
    selection: Selection,
    files: ProgramFiles | None = None,
    ladders: Ladders | None = None,
    *,
    all_rejected: bool = False,
) -> str:
    """The selection as text: for each device or pool the cell to ship and why, then the best file for all.

    `files` has by its SHA-256 where each program lies, `ladders` by its device what a larger budget buys.
    """
    files, ladders = files or {}, ladders or {}
    blocks = [
        _explain_answer(
            selection, answer, files, ladders.get(answer.device.name, ()), all_rejected=all_rejected
        )
        for answer in selection.answers
    ]
    if len(selection.answers) > 1:
        blocks.append(explain_joint(selection, files))
    blocks += [
        f"{printable(name)}: left out, its clock cannot keep a budget in milliseconds"
        for name in selection.left_out
    ]
    blocks += selection.remarks
    return "\n\n".join(blocks)


def explain_ladders(ladders: Ladders) -> str:
    """For each device or pool what a larger budget buys."""
    described = {
        printable(name): describe_ladder(steps, pooled=any(_is_of_other(name, step) for step in steps))
        for name, steps in ladders.items()
    }
    return "\n\n".join(f"{name}: " + "\n".join(lines) for name, lines in described.items() if lines)


def _is_of_other(name: str, step: Step) -> bool:
    """Whether the name is that of a pool, not of the device that measured the step."""
    return step.candidate.cell.device.name != name


def _explain_answer(
    selection: Selection, answer: Answer, files: ProgramFiles, ladder: Sequence[Step], *, all_rejected: bool
) -> str:
    lines = [f"{answer_title(answer)}: {_headline(answer)}"]
    if answer.best:
        lines += [f"  {line}" for line in _details(answer, answer.best, selection.budget, files)]
    if answer.nearest:
        nearest = answer.nearest.cell
        lines.append(f"  nearest{suspect_mark(nearest)}: {describe(nearest)}")
        lines += [f"  {_relax(miss)}" for miss in answer.nearest.misses]
    lines += [f"  {_upgrade(one)}{on_device(answer, one.candidate.cell)}" for one in answer.upgrades]
    if answer.runner_up:
        second = answer.runner_up
        lines.append(f"  runner-up{suspect_mark(second.cell)}: {describe(second.cell, second.accuracy)}")
    if answer.set_aside:
        names = _list_names(answer, (one.cell for one in answer.set_aside))
        lines.append(f"  set aside, {_missing(answer)}: {names}")
    if unsustained := [one.cell for one in answer.rejected if NO_SUSTAINED_FIGURE in one.reasons]:
        lines.append(f"  set aside, {NO_SUSTAINED_FIGURE}: {_list_names(answer, unsustained)}")
    lines += [f"  {line}" for line in describe_ladder(ladder, pooled=bool(answer.pool))]
    lines += [f"  {line}" for line in _rejections(answer, all_rejected=all_rejected)]
    return "\n".join(lines)


def answer_title(answer: Answer) -> str:
    """The device's name; the pool's, with how many devices it has."""
    name = printable(answer.device.name)
    return f"{name} {count_devices(len(answer.pool.devices))}" if answer.pool else name


def _headline(answer: Answer) -> str:
    if answer.best:
        return f"ship {placed_name(answer.best.cell)}"
    if answer.set_aside:
        return "no cell within the budget can be ranked"
    kept = "no cell is within the budget"
    if any(miss.quantity is PACED_P99 for one in answer.rejected for miss in one.misses):
        return f"{kept} and keeps the rate that it was measured at"
    return kept


def _details(answer: Answer, best: Candidate, budget: Budget, files: ProgramFiles) -> list[str]:
    cell = best.cell
    alone = len(answer.ranked) == 1
    candidates = "candidate" if alone else f"{len(answer.ranked)} candidates"
    limited = f"{candidates if alone else len(answer.ranked)} within the budget"
    count = limited if budget.limits_anything else candidates
    if alone and answer.set_aside:
        count += " that can be ranked"
    own = answer.basis == "none" and cell.variant.is_own_program
    lines = [figures(cell, best.accuracy), *describe_file(cell, files)]
    lines += describe_in_pool(cell, answer.pool) if answer.pool else ()
    if own:
        rank = f"the only {count}" if alone else f"the cheapest of {count}"
        lines.append(f"{rank}; the accuracy of own programs is not known")
    else:
        sentences = _ALONE if alone else _RANKED
        lines.append(sentences[answer.basis].format(best=_best(answer), count=count, data=answer.data))
    if answer.tied > 1 and not own:
        cheapest = "the cheapest valid one" if cell.verdict.status == "valid" else "the cheapest"
        alike = (
            "candidates are of the same largest size of network"
            if answer.basis == "none"
            else "candidates have indistinguishable accuracies"
        )
        lines.append(f"{answer.tied} {alike}; this is {cheapest}")
    if best.other_placements:
        listed = "; ".join(
            f"{placement(one)}{on_device(answer, one)} ({cost_text(one, budget)}{suspect_mark(one)})"
            for one in best.other_placements
        )
        lines.append(f"also measured: {listed}")
    if best.repeats:
        lines.append(describe_repeats(best, lambda cell: cost_text(cell, budget), budget))
    if answer.probability is not None:
        where = on_device(answer, cell)
        lines.append(
            f"probability that it meets the budget{where}{assumptions(best, budget)}:"
            f" {_percent(answer.probability)}"
        )
    return lines + [f"caution: {caution}" for caution in answer_cautions(answer, best, budget)]


def assumptions(best: Candidate, budget: Budget) -> str:
    """What a probability takes as it is: a published accuracy that the budget limits, and suspect figures."""
    accuracy = budget.min_accuracy is not None and best.measured is None
    assumed = ["its published accuracy"] if accuracy else []
    if is_flagged(best.cell):
        return f", if {' and '.join([*assumed, 'its suspect figures'])} hold"
    return f", if {assumed[0]} holds" if assumed else ""


def _best(answer: Answer) -> str:
    """What the answer's cell is by accuracy, or by size: alone, or with those that it is tied with."""
    if answer.basis == "none":
        return "the largest network" if answer.tied == 1 else f"one of the {answer.tied} largest networks"
    return "the most accurate" if answer.tied == 1 else f"one of the {answer.tied} most accurate"


def describe_repeats(best: Candidate, text: Callable[[Cell], str], budget: Budget) -> str:
    """How often the best cell's file was measured in its placement, and between which costs."""
    measured = (best.cell, *best.repeats)
    least, most = (text(end(measured, key=lambda cell: cost(cell, budget))) for end in (min, max))
    counts = "valid one counts" if best.cell.verdict.status == "valid" else "counts"
    return f"measured {len(measured)} times, from {least} to {most}: the costliest {counts}"


def answer_cautions(answer: Answer, best: Candidate, budget: Budget) -> tuple[str, ...]:
    """What to know before the answer's best cell is shipped, on further devices of its pool, too."""
    found = cautions(best.cell, answer.basis, answer.considered)
    return (*(pool_cautions(best.cell, answer.pool, budget) if answer.pool else ()), *found)


def on_device(answer: Answer, cell: Cell) -> str:
    """Which device of a pool measured the cell; empty where there is only one."""
    return f" on {printable(cell.device.name)}" if answer.pool else ""


def _relax(miss: Miss) -> str:
    return f"{miss.reason}: {advice(miss)}"


def _upgrade(upgrade: Upgrade) -> str:
    gain = "a larger network" if upgrade.gain_pp is None else f"{upgrade.gain_pp:+z.1f} points"
    name = placed_name(upgrade.candidate.cell) + suspect_mark(upgrade.candidate.cell)
    misses = upgrade.rejected.misses
    if len(misses) > 1:
        return f"next better: {name} ({gain}) misses several limits: {'; '.join(m.reason for m in misses)}"
    (miss,) = misses
    return f"the {miss.limit} limit binds: {_raise(miss)} more buys {gain}{_rate(upgrade, miss)}: {name}"


def _raise(miss: Miss) -> str:
    if miss.quantity is None or miss.needed is None:
        return f"{100 * abs((miss.needed or 0) - miss.allowed):.1f} points"
    return miss.quantity.text(miss.needed - miss.allowed)


def _rate(upgrade: Upgrade, miss: Miss) -> str:
    if upgrade.gain_pp is None or miss.quantity is None or miss.needed is None:
        return ""
    rate = upgrade.gain_pp / (miss.needed - miss.allowed) * miss.quantity.unit_size
    # To two digits, without an exponent.
    digits = max(0, 1 - math.floor(math.log10(rate)))
    return f" ({round(rate, digits):,.{digits}f} points per {miss.quantity.unit})"


def _missing(answer: Answer) -> str:
    if answer.basis == "none":
        return "neither an accuracy nor a size of the network is known"
    return (
        f"no accuracy on {answer.data}"
        if answer.basis == "measured"
        else "no published accuracy of their shape and quantizer"
    )


def _list_names(answer: Answer, cells: Iterable[Cell]) -> str:
    return ", ".join(placed_name(cell) + on_device(answer, cell) for cell in cells)


def _rejections(answer: Answer, *, all_rejected: bool) -> list[str]:
    rejected = answer.rejected
    if not rejected:
        return []
    if all_rejected:
        return [
            f"rejected: {placed_name(one.cell)}{on_device(answer, one.cell)}: {'; '.join(one.reasons)}"
            for one in rejected
        ]
    counts = Counter(
        kind
        for one in rejected
        for kind in ([kind_of_miss(miss) for miss in one.misses] or [one.reasons[0].partition(":")[0]])
    )
    listed = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
    return [f"rejected: {len(rejected)} of the cells ({listed}); --all lists them"]


def _percent(probability: float) -> str:
    """Never 100 %: the tails are extrapolated from a few processes."""
    return "over 99 %" if probability > 0.99 else f"{100 * probability:.0f} %"
