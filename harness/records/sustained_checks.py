"""What a sustained run cannot have measured: checked when its report arrives, and when a cell is read."""

import math
import statistics
from collections.abc import Iterator

from harness.records.process_checks import find_impossible_samples, is_time
from harness.records.summary_checks import TOLERANCE, check_interval, check_reach
from harness.records.sustained import INITIAL_SECONDS, Sustained, SustainedFigures, SustainedRun
from harness.system.cpu_list import parse_cpu_list

SECOND_NS = 1_000_000_000
# Above kMostKept of `device_scripts/runner/sustain.h` a median is that of some of the inferences.
SLACK = 1.25
# /proc/uptime has hundredths of a second; loading takes time before the first second.
UPTIME_SLACK_S = 1.0


def find_impossible_sustained(sustained: Sustained) -> Iterator[str]:
    """Each impossible figure of a saved one as a sentence that names the field."""
    run, figures = sustained.run, sustained.figures
    if (figures is None) != (sustained.unavailable is not None) or (figures is not None and run is None):
        yield f"sustained has {'no ' * (figures is None)}figures, and is unavailable: {sustained.unavailable}"
        return
    impossible = tuple(find_impossible_run(run, sustained.seconds)) if run else ()
    yield from impossible
    if run and figures and not impossible:
        yield from _figures(figures, run)


def find_impossible_run(run: SustainedRun, seconds: int) -> Iterator[str]:
    """Each impossible figure of one process that was to run for `seconds`."""
    columns = {"median_ns": run.median_ns, "p90_ns": run.p90_ns, "max_ns": run.max_ns}
    for name, column in {"inferences": run.inferences, **columns}.items():
        if len(column) != seconds:
            yield f"sustained.{name} has {len(column)} seconds, of {seconds}"
            return
    if not any(run.inferences):
        yield "sustained.inferences are none"
    for second, (count, *figures) in enumerate(zip(run.inferences, *columns.values(), strict=True)):
        if wrong := _wrong_second(count, *figures):
            yield f"sustained: in second {second}, {wrong}"
            return
    if not is_time(run.started_at):
        yield f"sustained.started_at is {run.started_at[:40]!r}, which is not a time"
    if run.cpus_allowed and parse_cpu_list(run.cpus_allowed) is None:
        yield f"sustained.cpus_allowed is {run.cpus_allowed[:40]!r}, which is not a list of cores"
    if run.sampled is not None:
        yield from find_impossible_samples(run.sampled)
    yield from _uptimes(run, seconds)


def _wrong_second(count: int, median: int | None, p90: int | None, longest: int | None) -> str | None:
    if median is None or p90 is None or longest is None:
        none = median is p90 is longest is None
        return None if none and count == 0 else f"{count} inferences have a figure missing"
    if count == 0:
        return f"no inference has a median of {median} ns"
    if not median <= p90 <= longest:
        return f"median {median}, p90 {p90} and maximum {longest} ns are not in this order"
    # All but the last ended in the second; half of them took the median or longer.
    if (count // 2 - 1) * median > SLACK * SECOND_NS:
        return f"{count} inferences of {median} ns do not fit"
    return None


def _uptimes(run: SustainedRun, seconds: int) -> Iterator[str]:
    before, after = run.conditions_before.uptime_seconds, run.conditions_after.uptime_seconds
    began = run.began_uptime_seconds
    if before is not None and began < before - UPTIME_SLACK_S:
        yield f"sustained began at uptime {began:.1f} s, before what was read before it at {before:.1f} s"
    # An uptime that stood still is no clock.
    elif (
        before is not None and after is not None and before < after < began + 0.98 * seconds - UPTIME_SLACK_S
    ):
        yield (
            f"sustained has {seconds} seconds from uptime {began:.1f} s, but the device was up for"
            f" {after:.1f} s at its end"
        )
    elif before is not None and after is not None and before < after:
        for second, longest in enumerate(run.max_ns):
            ended = 0.0 if longest is None else began + 0.98 * (second + longest / SECOND_NS)
            if ended > after + UPTIME_SLACK_S:
                yield f"sustained: in second {second}, an inference of {longest} ns ends after the run"
                return


def _figures(figures: SustainedFigures, run: SustainedRun) -> Iterator[str]:
    known = [(second, ns) for second, ns in enumerate(run.median_ns) if ns is not None]
    initial = [ns for second, ns in known if second < INITIAL_SECONDS]
    last = [ns for second, ns in known if 4 * second >= 3 * len(run.median_ns)]
    plateau = figures.plateau_ns
    if not initial or not last:
        yield "sustained.figures are given, of no inference at the beginning or the end"
        return
    for name, saved, computed in (
        ("initial_ns", figures.initial_ns, statistics.median(initial)),
        ("plateau_ns", plateau.estimate, statistics.median(last)),
        ("retained", figures.retained * plateau.estimate, figures.initial_ns),
    ):
        # The initial median is rounded to a whole nanosecond.
        if not math.isclose(saved, computed, rel_tol=TOLERANCE, abs_tol=1.0):
            yield f"sustained.{name} does not follow from the seconds of the run"
    yield from check_interval("sustained.plateau_ns", plateau, low=0, high=math.inf, resampled=True)
    yield from check_reach("sustained.plateau_ns", plateau, (min(last), max(last)))
    drop = figures.drop
    if drop is not None and not 0 < drop.second < len(run.median_ns):
        yield f"sustained.drop is at second {drop.second}, of {len(run.median_ns)}"
    if drop is not None and drop.after_ns <= drop.before_ns:
        yield f"sustained.drop is from {drop.before_ns} to {drop.after_ns} ns, which is not slower"
    levels = [ns for _, ns in known]
    if drop is not None and not min(levels) - 1 <= drop.before_ns < drop.after_ns <= max(levels) + 1:
        yield f"sustained.drop is from {drop.before_ns} to {drop.after_ns} ns, beyond the seconds of the run"
    if drop is not None and (drop.fell is None) != (drop.unknown is not None):
        yield "sustained.drop names neither what fell nor why that is unknown, or both"
