"""Figures of a saved cell that contradict each other, or that no measurement can give.

Types and the bounds of single numbers are the schema's; here is what holds between several of them.
"""

import math
import statistics
from collections.abc import Iterator
from itertools import chain

from harness.records import (
    Accuracy,
    Beginning,
    Cell,
    ColdStartup,
    PairedDrop,
    Parity,
    Profile,
)
from harness.records.energy_checks import find_impossible_energy
from harness.records.launches import first_launches, later_launches
from harness.records.machine_checks import find_impossible_on_machine
from harness.records.process_checks import find_impossible, is_time
from harness.records.request_checks import find_impossible_requests
from harness.records.schedule import find_off_schedule
from harness.records.summary_checks import (
    TOLERANCE,
    check_interval,
    check_latency,
    check_pace,
    check_reach,
    check_startup,
)
from harness.records.sustained_checks import find_impossible_sustained
from harness.records.wilson import Z, wilson_interval
from harness.system.cpu_list import parse_cpu_list

_GRAVITY = {"valid": 0, "suspect": 1, "invalid": 2}
# The uptime is from the clock of the reported times; only these may be corrected by NTP, by at most 0.05 %.
UPTIME_SHARE = 0.02
# /proc/uptime has hundredths of a second.
UPTIME_SLACK_S = 0.1


def find_contradictions(cell: Cell) -> Iterator[str]:
    """Each contradiction as a sentence that names the field and its figures."""
    yield from find_impossible_requests(cell)
    impossible = tuple(_processes(cell))
    yield from impossible
    yield from find_impossible_on_machine(cell)
    if cell.pace is not None and not impossible:
        yield from check_pace(cell.pace, cell.processes, cell.plan)
    if cell.latency is not None:
        yield from check_latency(cell.latency, cell.processes)
    if cell.startup is not None:
        yield from check_startup(cell.startup, later_launches(cell.processes))
    if cell.first_launch is not None:
        for contradiction in check_startup(cell.first_launch, first_launches(cell.processes)):
            yield f"first_launch: {contradiction}"
    if cell.accuracy is not None:
        yield from _accuracy(cell.accuracy)
    if cell.cold is not None:
        yield from _cold(cell.cold)
    if cell.sustained is not None:
        yield from find_impossible_sustained(cell.sustained)
    if cell.energy is not None:
        yield from find_impossible_energy(cell.energy)
    yield from _verdict(cell)
    yield from _medians(cell)
    yield from _sizes(cell)
    yield from _uptimes(cell)
    if cell.parity is not None:
        yield from _parity(cell.parity)
    if cell.profile is not None:
        yield from _profile(cell.profile)
    yield from _figures(cell)
    yield from _held_clocks(cell)


def _held_clocks(cell: Cell) -> Iterator[str]:
    most = {core.index: core.max_frequency_khz for core in cell.device.cores}
    for clock in cell.held_clocks:
        cores = parse_cpu_list(clock.cores)
        if not clock.held_khz or cores is None:
            yield f"held_clocks: cores {clock.cores[:40]!r} held {clock.held_khz} kHz"
        elif others := [core for core in cores if most.get(core) not in (None, clock.max_khz)]:
            yield (
                f"held_clocks: core {others[0]} has at most {clock.max_khz} kHz, and {most[others[0]]} kHz in"
                " device.cores"
            )


def _processes(cell: Cell) -> Iterator[str]:
    most = max(cell.plan.processes, cell.plan.max_processes or 0)
    if len(cell.processes) > most:
        yield f"processes: {len(cell.processes)}, but the plan allows at most {most}"
    for process in cell.processes:
        warmed_up = len(process.warmup_ns) - process.warmup_cut
        if 0 <= warmed_up < cell.plan.warmup_iterations:
            yield (
                f"processes: in round {process.round}, {warmed_up} warm-up iterations,"
                f" the plan has {cell.plan.warmup_iterations}"
            )
        for impossible in chain(find_impossible(process), find_off_schedule(process, cell.plan.period_ns)):
            yield f"processes: in round {process.round}, {impossible}"


def _figures(cell: Cell) -> Iterator[str]:
    """Where processes have measured, and the cell has not failed, there are figures; elsewhere none.

    Start-up and parity can be missing: in cells of older versions, and of programs without a reference.
    """
    why_none = "the cell has failed" if cell.failure else "no process has measured"
    for name in ("latency", "memory", "startup", "pace", "instructions_per_inference"):
        if getattr(cell, name) is not None and (cell.failure or not cell.processes):
            yield f"{name} is given, but {why_none}"
    if cell.failure:
        return
    if not cell.processes:
        yield "processes are none, but the cell has not failed"
        return
    for name in ("latency", "memory", *(("pace",) if cell.plan.rate_hz is not None else ())):
        if getattr(cell, name) is None:
            yield f"{name} is missing, but {len(cell.processes)} processes have measured"


def _verdict(cell: Cell) -> Iterator[str]:
    """A status is never better than its gravest reason; a failure, and a wrong output, make it invalid."""
    status, severities = cell.verdict.status, {reason.severity for reason in cell.verdict.reasons}
    gravest = next((one for one in ("invalid", "suspect") if one in severities), "valid")
    if cell.failure is not None or (cell.parity is not None and not cell.parity.passed):
        gravest = "invalid"
    if _GRAVITY[status] < _GRAVITY[gravest]:
        yield f"verdict is {status}, but its reasons make it {gravest}"


def _parity(parity: Parity) -> Iterator[str]:
    if not (0 <= parity.max_abs_error < math.inf and abs(parity.cosine) <= 1 + TOLERANCE):
        yield f"parity has error {parity.max_abs_error:g} and cosine {parity.cosine:g}"
    elif parity.passed and parity.max_abs_error > parity.tolerance * (1 + TOLERANCE):
        yield f"parity passed with error {parity.max_abs_error:g}, above its tolerance {parity.tolerance:g}"
    # An output that is nearly its reference points the same way.
    elif parity.passed and parity.cosine <= 0:
        yield f"parity passed with cosine {parity.cosine:g}"


def _cold(cold: ColdStartup) -> Iterator[str]:
    measured = tuple(process for process in cold.processes if process.is_cold)
    if any(max(p.resident_pages, p.resident_before_pages) > p.pages for p in cold.processes):
        yield "cold: more pages were resident than there are"
    if (cold.startup is None) != (not measured):
        yield f"cold.startup is {'missing' if measured else 'given'}, of {len(measured)} cold processes"
    if cold.unavailable is None and len(measured) < max(1, len(cold.processes)):
        yield f"cold: {len(measured)} of {len(cold.processes)} processes were cold, without a reason"
    if cold.startup is not None and measured:
        for contradiction in check_startup(cold.startup, measured):
            yield f"cold.{contradiction}"
    for one in cold.processes:
        yield from _beginning("cold.processes", one.began)


def _beginning(name: str, began: Beginning | None) -> Iterator[str]:
    if began is not None and not is_time(began.started_at):
        yield f"{name}: started_at is {began.started_at[:40]!r}, which is not a time"


def _accuracy(accuracy: Accuracy) -> Iterator[str]:
    if accuracy.images < 1:
        yield f"accuracy.images is {accuracy.images}"
    for name, interval in (("top1", accuracy.top1), ("top5", accuracy.top5)):
        yield from check_interval(f"accuracy.{name}", interval, low=-TOLERANCE, high=1 + TOLERANCE)
    if accuracy.top1.estimate > accuracy.top5.estimate + TOLERANCE:
        yield (f"accuracy.top1 {accuracy.top1.estimate:g} is above accuracy.top5 {accuracy.top5.estimate:g}")
    for name, interval in (("top1", accuracy.top1), ("top5", accuracy.top5)):
        if not _is_share(interval.estimate, accuracy.images):
            yield f"accuracy.{name} is {interval.estimate:g}, which is no share of {accuracy.images} images"
        elif accuracy.images > 0 and 0 <= interval.estimate <= 1:
            computed = wilson_interval(round(interval.estimate * accuracy.images), accuracy.images)
            reach = _twice_as_far(interval.estimate, computed.low, computed.high)
            yield from check_reach(f"accuracy.{name}", interval, reach)
    agreement = accuracy.agreement_with_eager
    if agreement is not None and not 0 <= agreement <= 1:
        yield f"accuracy.agreement_with_eager is {agreement:g}, not within 0 to 1"
    if len(accuracy.unreadable_images) > accuracy.unreadable:
        named = len(accuracy.unreadable_images)
        yield f"accuracy.unreadable is {accuracy.unreadable}, but {named} are named"
    if accuracy.drop_from_fp32 is not None:
        yield from _drop(accuracy.drop_from_fp32, accuracy)


def _is_share(share: float, images: int) -> bool:
    """Whether it is that of a whole number of images; what is no number is named elsewhere."""
    right = share * images
    return not math.isfinite(right) or abs(right - round(right)) <= TOLERANCE * max(1, images)


def _drop(drop: PairedDrop, accuracy: Accuracy) -> Iterator[str]:
    name = "accuracy.drop_from_fp32"
    if not 0 <= drop.p_value <= 1 + TOLERANCE or drop.only_base + drop.only_new > drop.images:
        yield f"{name} has p_value {drop.p_value:g} and {drop.images} images"
    elif not 0 < drop.images <= accuracy.images:
        yield f"{name} is of {drop.images} images, the accuracy of {accuracy.images}"
    else:
        computed = 100 * (drop.only_base - drop.only_new) / drop.images
        if not math.isclose(drop.drop_pp.estimate, computed, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            yield f"{name} is {drop.drop_pp.estimate:.6g} pp, but its counts give {computed:.6g}"
        lost, won = (drop.only_base + 1) / (drop.images + 2), (drop.only_new + 1) / (drop.images + 2)
        half = 100 * Z * math.sqrt((lost + won - (lost - won) ** 2) / (drop.images + 2))
        middle = 100 * (lost - won)
        yield from check_reach(name, drop.drop_pp, _twice_as_far(computed, middle - half, middle + half))
    yield from check_interval(name, drop.drop_pp, low=-100.001, high=100.001)


def _twice_as_far(estimate: float, low: float, high: float) -> tuple[float, float]:
    """Beyond it no other method's interval ends: methods differ by some percent, with few images by more."""
    return estimate - 2 * (estimate - low), estimate + 2 * (high - estimate)


def _profile(profile: Profile) -> Iterator[str]:
    if profile.unavailable is not None or not profile.operators:
        if profile.operators or profile.unavailable is None:
            yield f"profile has {len(profile.operators)} operators, and is unavailable: {profile.unavailable}"
        return
    yield from _beginning("profile", profile.began)
    if profile.iterations < 1:
        yield f"profile.iterations is {profile.iterations}"
    whole = sum(operator.mean_ns for operator in profile.operators) or 1.0
    for operator in profile.operators:
        if not math.isclose(operator.share, operator.mean_ns / whole, rel_tol=1e-3, abs_tol=1e-6):
            yield (
                f"profile: {operator.name[:60]!r} has share {operator.share:.6g},"
                f" but its time gives {operator.mean_ns / whole:.6g}"
            )
            return


def _uptimes(cell: Cell) -> Iterator[str]:
    """More time than passed on the device; uptimes are in hundredths of a second."""
    for process in cell.processes:
        passed_s = process.uptime_seconds
        # An uptime that stood still is no clock.
        if passed_s and passed_s * (1 + UPTIME_SHARE) + UPTIME_SLACK_S < process.reported_ns / 1e9:
            yield (
                f"processes: round {process.round} reports {process.reported_ns / 1e9:.4g} s, but the device"
                f" was up for {passed_s:.4g} s"
            )


def _medians(cell: Cell) -> Iterator[str]:
    """Figures that are the lower median of the processes' own; a cell that failed has none."""
    if cell.failure is not None:
        return
    pairs = {
        "instructions_per_inference": (
            cell.instructions_per_inference,
            [process.instructions_per_inference for process in cell.processes],
        )
    }
    if cell.memory is not None:
        for name in ("rss_start_bytes", "rss_loaded_bytes", "rss_initialized_bytes", "peak_rss_bytes"):
            figures = [getattr(process, name) for process in cell.processes]
            pairs[f"memory.{name}"] = getattr(cell.memory, name), figures
    for name, (saved, values) in pairs.items():
        known = [value for value in values if value is not None]
        computed = statistics.median_low(known) if known else None
        if saved != computed:
            found = ["no figure" if one is None else one for one in (saved, computed)]
            yield f"{name} is {found[0]}, but its processes give {found[1]}"


def _sizes(cell: Cell) -> Iterator[str]:
    """What the cell repeats of its artifact."""
    if cell.artifact.variant != cell.variant:
        yield f"artifact is of {cell.artifact.variant.name}, and the cell of {cell.variant.name}"
    if cell.artifact.size_bytes < 1:
        yield f"artifact.size_bytes is {cell.artifact.size_bytes}"
    if cell.memory is None:
        return
    for name, saved, given in (
        ("planned_arena_bytes", cell.memory.planned_arena_bytes, cell.artifact.planned_arena_bytes),
        ("artifact_bytes", cell.memory.artifact_bytes, cell.artifact.size_bytes),
    ):
        if saved != given:
            yield f"memory.{name} is {saved}, but its artifact gives {given}"
