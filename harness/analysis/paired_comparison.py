"""The times of two programs that were measured in the same rounds, and what moved the device meanwhile.

What slowly changes the device (heat, clocks, other load) changes both sides of a round, and their ratio
hardly: so it is named, and is no reason not to decide. Only what did not meet both sides alike is one. The
canary shows that, a kernel of fixed cost that each process times before it loads its program.
"""

from collections.abc import Callable

import numpy as np

from harness.analysis.comparison_rule import ComparisonResult, decide, describe_ratio
from harness.analysis.intervals import CONFIDENCE
from harness.analysis.paired_ratios import FEWEST_PAIRS, paired_beyond_chance, paired_ratio_interval
from harness.analysis.process_figures import startup_ns
from harness.records import Cell, Interval, ProcessReport

# The canary was seen to repeat within 0.7 %, docs/verdicts.md.
CANARY_TOLERANCE = 0.01
# From this change on, between the halves of the rounds, a side is said to have moved.
MOVED = 0.02


def paired_latency_ratio(base: Cell, new: Cell) -> Interval | None:
    """The ratio new/base of process medians of the same round; None without a common round."""
    return _paired_ratio(base, new, _median_ns)


def paired_startup_ratio(base: Cell, new: Cell) -> Interval | None:
    """The same of load, init and first inference together."""
    return _paired_ratio(base, new, _startup_ns)


def judge_paired_latency(
    base: Cell, new: Cell, ratio: Interval | None, margin: float, timed_cells: int
) -> tuple[ComparisonResult, str]:
    """Apply the rule of `comparison_rule`; `timed_cells` is how many are judged by latency."""
    if ratio is None:
        return "inconclusive", "no round has latencies of both sides"
    return _judge(base, new, _median_ns, ratio, margin, timed_cells)


def judge_paired_startup(
    base: Cell, new: Cell, ratio: Interval, margin: float, timed_cells: int
) -> tuple[ComparisonResult, str]:
    """The same of start-up."""
    return _judge(base, new, _startup_ns, ratio, margin, timed_cells)


def _judge(
    base: Cell,
    new: Cell,
    figure: Callable[[ProcessReport], float | None],
    ratio: Interval,
    margin: float,
    timed_cells: int,
) -> tuple[ComparisonResult, str]:
    before, after = _of_both(base, new, figure)
    if ratio.confidence < CONFIDENCE:
        rounds = f"{len(before)} round{' is' if len(before) == 1 else 's are'}"
        return "inconclusive", f"{rounds} too few: at least {FEWEST_PAIRS} are needed"
    result, why = decide(ratio, margin)
    if result == "worse" and not paired_beyond_chance(before, after, timed_cells):
        return "inconclusive", f"could be chance among {timed_cells} cells"
    if result in ("worse", "better") and (canary := _canary_explains(base, new, slower=result == "worse")):
        return "inconclusive", f"{why}, but {canary}"
    return result, why


def _canary_explains(base: Cell, new: Cell, *, slower: bool) -> str | None:
    """Says so where the canary differed between the sides in the direction of the result."""
    ratio = _paired_ratio(base, new, _canary_ns)
    if ratio is None or ratio.confidence < CONFIDENCE:
        return None
    if (ratio.low > 1 + CANARY_TOLERANCE) if slower else (ratio.high < 1 / (1 + CANARY_TOLERANCE)):
        return (
            f"the canary kernel, whose cost is fixed, took {describe_ratio(ratio)} beside new: the device was"
            " not the same for both sides"
        )
    return None


def describe_interleaving(base: Cell, new: Cell) -> list[str]:
    """What a reader of the ratio should know: equal programs, disturbed sides, a device that changed."""
    notes = [_same_program(base, new)]
    if not (base.device.emulated or new.device.emulated):
        notes += [_disturbed(base, new), _moved(base, new)]
    return [note for note in notes if note]


def _same_program(base: Cell, new: Cell) -> str | None:
    if base.artifact.sha256 != new.artifact.sha256:
        return None
    return f"base and new are the same program, sha256 {base.artifact.sha256[:12]}"


def _disturbed(base: Cell, new: Cell) -> str | None:
    """The reasons for a suspect time on either side, with the side that has them."""
    codes = {
        side: {one.code for one in cell.verdict.reasons if (one.severity, one.affects) == ("suspect", "time")}
        for side, cell in (("base", base), ("new", new))
    }
    found = sorted(codes["base"] | codes["new"])
    if not found:
        return None
    sides = {code: [side for side in codes if code in codes[side]] for code in found}
    listed = ", ".join(f"{code} ({' and '.join(sides[code])})" for code in found)
    return f"the device was disturbed: {listed}; both sides of a round were measured one after the other"


def _moved(base: Cell, new: Cell) -> str | None:
    """How both sides changed from the first half of the rounds to the second, where one of them did."""
    before, after = _of_both(base, new, _median_ns)
    if len(before) < 4:
        return None
    changes = _change(before), _change(after)
    if max(map(abs, changes)) < MOVED:
        return None
    canaries = [a + b for a, b in zip(*_of_both(base, new, _canary_ns), strict=True)]
    canary = f", the canary kernel {_faster_or_slower(_change(canaries))}" if len(canaries) >= 4 else ""
    described = (
        f"from the first half of the rounds to the second, base became {_faster_or_slower(changes[0])}, new"
        f" {_faster_or_slower(changes[1])}{canary}"
    )
    alike = changes[0] * changes[1] > 0 and min(map(abs, changes)) >= MOVED / 2
    return (
        f"{described}; both sides of a round share that"
        if alike
        else f"{described}; the sides did not change alike"
    )


def _change(values: list[float]) -> float:
    """The second half's median as a change of the first half's; a middle value is in neither."""
    half = len(values) // 2
    return float(np.median(values[-half:]) / np.median(values[:half])) - 1


def _faster_or_slower(change: float) -> str:
    return f"{abs(100 * change):.1f} % {'slower' if change >= 0 else 'faster'}"


def _paired_ratio(base: Cell, new: Cell, figure: Callable[[ProcessReport], float | None]) -> Interval | None:
    before, after = _of_both(base, new, figure)
    return paired_ratio_interval(before, after) if before else None


def _of_both(
    base: Cell, new: Cell, figure: Callable[[ProcessReport], float | None]
) -> tuple[list[float], list[float]]:
    """The figure of each round that both sides have it of, in the order of rounds."""
    sides = [
        {one.round: value for one in cell.processes if (value := figure(one)) is not None}
        for cell in (base, new)
    ]
    rounds = sorted(sides[0].keys() & sides[1].keys())
    return [sides[0][round_] for round_ in rounds], [sides[1][round_] for round_ in rounds]


def _median_ns(process: ProcessReport) -> float | None:
    return float(np.median(process.latencies_ns)) if process.latencies_ns else None


def _startup_ns(process: ProcessReport) -> float | None:
    """None of a process that packs a cache, which is another start."""
    return None if process.wrote_packed_cache else float(startup_ns(process))


def _canary_ns(process: ProcessReport) -> float | None:
    return None if process.canary_ns is None else float(process.canary_ns)
