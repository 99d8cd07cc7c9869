"""A ladder as lines for the terminal: what each budget buys."""

from collections.abc import Sequence
from itertools import pairwise

from harness.analysis.cell_text import placement, suspect_mark
from harness.analysis.ladder import Step
from harness.analysis.quantities import limit_text, millions, milliseconds
from harness.analysis.variant_labels import name_with_precision
from harness.system.text import printable

# More are no help on a terminal; the report has them all.
LONGEST = 8
_BASES = {"measured": "accuracy measured on {}", "published": "published accuracy, not measured here"}
_UNKNOWN = "no accuracy is known; by size of the network"
_OWN = "no accuracy of own programs is known; the cheapest"


def describe_ladder(steps: Sequence[Step], *, pooled: bool = False) -> list[str]:
    """A heading and a line for each step: `from 3.2 ms: 0.5/128 int8, 54.9 %, +2.8 points for 1.6 ms`.

    Of a pool's cells, each line also has the device.
    """
    if not steps:
        return []
    accuracy = steps[0].candidate.accuracy
    unknown = _OWN if steps[0].candidate.cell.variant.is_own_program else _UNKNOWN
    basis = _BASES[accuracy.basis].format(accuracy.data) if accuracy else unknown
    lines = [f"  {_line(step)}{_on_device(step) if pooled else ''}" for step in shorten(steps)]
    return [f"what a budget buys ({basis}):", *lines]


def _on_device(step: Step) -> str:
    return f", on {printable(step.candidate.cell.device.name)}"


def limit_of(step: Step) -> str:
    """The value of `--max-latency`, or `--max-instructions`, that admits the step: `3.2ms`, `7.61M`."""
    return limit_text(step.cost, _unit(step), 1e6, whole=True)


def start_text(step: Step) -> str:
    """The smallest budget that admits the step, rounded up: `3.2 ms`, `7.61 M instructions`."""
    return f"{limit_text(step.cost, '', 1e6, whole=True)} {_unit(step)}{_of_what(step)}"


def more_text(step: Step) -> str:
    """What the step costs more than the one before, to two digits; empty for the first step.

    A difference is not known any better.
    """
    return _cost_text(step, float(f"{step.more:.2g}")) if step.more is not None else ""


def _cost_text(step: Step, cost: float) -> str:
    text = millions(cost) if step.candidate.cell.device.emulated else milliseconds(cost)
    return f"{text}{_of_what(step)}"


def _unit(step: Step) -> str:
    return "M" if step.candidate.cell.device.emulated else "ms"


def _of_what(step: Step) -> str:
    return " instructions" if step.candidate.cell.device.emulated else ""


def shorten(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps of a long ladder that gain most, and its ends: they say what is possible at all."""
    kept = list(steps)
    while len(kept) > LONGEST:
        gains = [above.candidate.quality - below.candidate.quality for below, above in pairwise(kept)]
        del kept[1 + min(range(len(kept) - 2), key=gains.__getitem__)]
    joined = [Step(kept[0].candidate, kept[0].cost, None, None)]
    for below, above in pairwise(kept):
        gain = 100 * (above.candidate.quality - below.candidate.quality)
        known = above.gain_pp is not None
        joined.append(Step(above.candidate, above.cost, gain if known else None, above.cost - below.cost))
    return tuple(joined)


def _line(step: Step) -> str:
    cell, accuracy = step.candidate.cell, step.candidate.accuracy
    plan = cell.plan
    plain = (plan.threads, plan.cpus, plan.rate_hz, plan.backend_options) == (1, None, None, None)
    placed = "" if plain else f", {placement(cell)}"
    quality = f", {accuracy.estimate:.1%}" if accuracy else ""
    if not accuracy and cell.artifact.macs is not None:
        quality = f", {millions(cell.artifact.macs)} MACs"
    gain = f", {step.gain_pp:+z.1f} points" if step.gain_pp is not None else ""
    price = f" for {more_text(step)}" if gain and more_text(step) else ""
    name = f"{name_with_precision(cell.variant)}{placed}"
    return f"from {start_text(step)}: {name}{quality}{gain}{price}{suspect_mark(cell)}"
