"""The stopping rule: fresh processes until the median is precise enough, or a limit is reached."""

import math

from harness.analysis.intervals import CONFIDENCE
from harness.analysis.paired_comparison import paired_latency_ratio
from harness.records import Cell, Plan, StoppedBy


def reason_to_stop(cell: Cell, *, elapsed_s: float) -> StoppedBy | None:
    """Which limit of the plan the cell has reached after `elapsed_s` on its device; None to go on.

    The precision counts from the plan's minimum number of processes on. The time limit may end a cell before
    that, but not before its first process.
    """
    return _limit_reached(cell, is_precise=_is_precise(cell), elapsed_s=elapsed_s)


def reason_to_stop_both(base: Cell, new: Cell, *, elapsed_s: float) -> StoppedBy | None:
    """The same for two cells of the same rounds, which end together: once their ratio is precise enough."""
    ratio, target = paired_latency_ratio(base, new), new.plan.target_precision
    precise = (
        ratio is not None
        and target is not None
        and ratio.confidence >= CONFIDENCE
        and ratio.relative_half_width <= target
    )
    return _limit_reached(new, is_precise=precise, elapsed_s=elapsed_s)


def _limit_reached(cell: Cell, *, is_precise: bool, elapsed_s: float) -> StoppedBy | None:
    plan = cell.plan
    done = len(cell.processes)
    if done >= plan.processes and is_precise:
        return "target_precision"
    if done >= most_processes(plan):
        return "max_rounds"
    if done and plan.max_minutes is not None and elapsed_s >= 60 * plan.max_minutes:
        return "max_minutes"
    return None


def most_processes(plan: Plan) -> int:
    """The maximum number of processes, however wide the interval is."""
    return max(plan.processes, plan.max_processes or 0)


def is_complete(cell: Cell) -> bool:
    """Whether a resumed run, with time left, would add no process."""
    return cell.stopped_by in ("target_precision", "max_rounds")


def expected_processes(cell: Cell) -> int:
    """An estimate of the cell's final number of processes, for the remaining time.

    An interval narrows with the square root of their number.
    """
    plan = cell.plan
    done = len(cell.processes)
    if cell.failure or cell.stopped_by:
        return done
    least, most = max(done + 1, plan.processes), most_processes(plan)
    if plan.target_precision is None or cell.latency is None or done < plan.processes:
        return min(least, most)
    times_too_wide = cell.latency.median_ns.relative_half_width / plan.target_precision
    return int(min(max(least, math.ceil(done * min(times_too_wide, most) ** 2)), most))


def _is_precise(cell: Cell) -> bool:
    target = cell.plan.target_precision
    if target is None or cell.latency is None:
        return False
    return cell.latency.median_ns.relative_half_width <= target
