"""Energy and the sustained latency against those of another run: one process on each side, with an interval.

An interval is that of the readings or seconds of its process. By what one process differs from the next is in
none of them: the margins leave room for it.
"""

import math
from collections.abc import Collection
from statistics import NormalDist

from harness.analysis.comparison_rule import (
    ComparedFigure,
    ComparisonResult,
    FigureName,
    decide,
    describe_ratio,
)
from harness.analysis.intervals import CONFIDENCE
from harness.analysis.margins import Margins
from harness.analysis.validity.energy_checks import idle_power_changed
from harness.analysis.validity.sustained_checks import still_falling, sustained_began_warm
from harness.records import Cell, Interval

_NORMAL = NormalDist()
# Reasons for which a figure is none to decide by.
NO_PLATEAU = frozenset({still_falling.code, sustained_began_warm.code})
NO_IDLE = frozenset({idle_power_changed.code})


def compare_single_runs(base: Cell, new: Cell, margins: Margins, timed_cells: int) -> list[ComparedFigure]:
    """The sustained latency and the energy, those that both sides have and that are of the same kind."""
    found = []
    before, after = base.sustained, new.sustained
    if before and after and before.figures and after.figures and before.seconds == after.seconds:
        plateaus = before.figures.plateau_ns, after.figures.plateau_ns
        reasons = _reasons_against(base, new, NO_PLATEAU)
        found.append(_compare("sustained latency", *plateaus, margins.sustained, timed_cells, reasons))
    if energies := _energies(base, new):
        reasons = _reasons_against(base, new, NO_IDLE)
        found.append(_compare("energy", *energies, margins.energy, timed_cells, reasons))
    return found


def same_sensor(base: Cell, new: Cell) -> bool:
    """Whether both sides have an energy that was read by one kind of sensor, which covers the same."""
    return _energies(base, new) is not None


def ratio_of_estimates(base: Interval, new: Interval) -> Interval | None:
    """How many times as large `new` is; None where an interval reaches zero.

    The sides of two independent intervals add in squares, here on the logarithms (the method of variance
    estimates recovery: Zou & Donner, Statistics in Medicine 27, 2008).
    """
    if base.low <= 0 or new.low <= 0:
        return None
    ratio = new.estimate / base.estimate
    below = math.hypot(math.log(new.estimate / new.low), math.log(base.high / base.estimate))
    above = math.hypot(math.log(new.high / new.estimate), math.log(base.estimate / base.low))
    return Interval(
        estimate=ratio,
        low=ratio * math.exp(-below),
        high=ratio * math.exp(above),
        confidence=min(base.confidence, new.confidence),
    )


def _energies(base: Cell, new: Cell) -> tuple[Interval, Interval] | None:
    before, after = base.energy, new.energy
    if not (before and after and before.run and after.run and before.figures and after.figures):
        return None
    if before.run.source.measures != after.run.source.measures:
        return None
    return before.figures.net_joules, after.figures.net_joules


def _reasons_against(base: Cell, new: Cell, codes: Collection[str]) -> str:
    """`base: still_falling`, for the reasons that make one side's figure none to decide by; else empty."""
    found = [
        f"{side}: {one.code}"
        for side, cell in (("base", base), ("new", new))
        for one in cell.verdict.reasons
        if one.code in codes
    ]
    return "; ".join(found)


def _compare(
    name: FigureName, base: Interval, new: Interval, margin: float, timed_cells: int, reasons: str
) -> ComparedFigure:
    ratio = ratio_of_estimates(base, new)
    result, why = _judge(ratio, margin, timed_cells, reasons)
    return ComparedFigure(
        name=name, base=base.estimate, new=new.estimate, change=ratio, result=result, why=why
    )


def _judge(
    ratio: Interval | None, margin: float, timed_cells: int, reasons: str
) -> tuple[ComparisonResult, str]:
    if ratio is None:
        return "inconclusive", "an interval reaches zero, so that no ratio is known"
    if ratio.confidence < CONFIDENCE:
        return "inconclusive", f"{describe_ratio(ratio)}, but a side has no interval of 95 %"
    if reasons:
        return "inconclusive", f"{describe_ratio(ratio)}, but {reasons}"
    result, why = decide(ratio, margin)
    if result == "worse" and _probability_of_chance(ratio) > (1 - CONFIDENCE) / 2 / timed_cells:
        return "inconclusive", f"could be chance among {timed_cells} cells"
    if result == "inconclusive":  # More processes give no second figure.
        return result, f"{describe_ratio(ratio)} may exceed {100 * margin:+z.3g} %"
    return result, why


def _probability_of_chance(ratio: Interval) -> float:
    """One-sided, of the normal distribution of the logarithm that the interval's lower side stands for."""
    deviation = math.log(ratio.estimate / ratio.low) / _NORMAL.inv_cdf((1 + ratio.confidence) / 2)
    return _NORMAL.cdf(-math.log(ratio.estimate) / deviation) if deviation else 0.0
