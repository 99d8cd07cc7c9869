"""Whether a cell that is measured at a rate still keeps it, which the median of its latency does not show.

The p99 of the response times decides, as where a variant is picked: it is above the period exactly where
more than 1 % of the periods ended without a result (`paced_figures`).
"""

from harness.analysis.comparison_rule import ComparedFigure, ComparisonResult, describe_ratio
from harness.analysis.paced_figures import misses_text, period_to_keep_ns, response_p99_ns
from harness.analysis.quantities import milliseconds
from harness.analysis.single_run_comparison import ratio_of_estimates
from harness.analysis.time_comparison import codes_of, reasons_of
from harness.records import Cell, Interval

FEWEST_PROCESSES = 4


def compare_pace(base: Cell, new: Cell, *, paired: bool) -> ComparedFigure | None:
    """The paced p99; None unless both sides were measured at one rate on a real clock."""
    before, after, period_ns = response_p99_ns(base), response_p99_ns(new), period_to_keep_ns(new)
    if before is None or after is None or period_ns is None or period_to_keep_ns(base) != period_ns:
        return None
    ratio = ratio_of_estimates(before, after)
    result, why = _judge(before, after, period_ns)
    if result in ("worse", "better") and (doubt := _doubt(base, new, paired=paired)):
        result, why = "inconclusive", f"{why}, but {doubt}"
    texts = [describe_ratio(ratio)] if ratio else []
    if result != "no worse" and base.pace and new.pace:
        texts.append(f"{misses_text(base.pace)} in base and {misses_text(new.pace)} in new")
    return ComparedFigure(
        name="paced p99",
        base=before.estimate,
        new=after.estimate,
        change=ratio,
        result=result,
        why="; ".join([*texts, *([why] if why else [])]),
    )


def _judge(before: Interval, after: Interval, period_ns: int) -> tuple[ComparisonResult, str]:
    """What surely was, and surely is, within the period; the text is empty where nothing changed."""
    period = f"the period of {milliseconds(period_ns)}"
    if after.high <= period_ns:
        return ("better", f"only new keeps within {period}") if before.low > period_ns else ("no worse", "")
    if before.low > period_ns:
        return "no worse", f"base exceeds {period}, too"
    if before.high <= period_ns < after.low:
        return "worse", f"only base keeps within {period}"
    side = "new" if after.low <= period_ns else "base"
    return "inconclusive", f"{side} may exceed {period}: measure more processes"


def _doubt(base: Cell, new: Cell, *, paired: bool) -> str | None:
    """Why a change may not be the program's; a disturbance meets both sides of a round alike."""
    counts = len(base.processes), len(new.processes)
    if min(counts) < FEWEST_PROCESSES:
        return f"{counts[0]} and {counts[1]} processes are too few: at least {FEWEST_PROCESSES} are needed"
    for side, cell in (("base", base), ("new", new)):
        if not paired and (disturbed := reasons_of(cell, "suspect", "time")):
            return f"{side} was disturbed: {codes_of(disturbed)}"
    return None
