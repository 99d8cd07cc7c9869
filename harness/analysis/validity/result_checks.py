"""Checks of the program and of the samples: each returns a sentence with figures, or None.

Thresholds are the constants at the top; docs/verdicts.md gives the source of each.
"""

import numpy as np

from harness.analysis.parity import reference_name
from harness.analysis.sample_shape import outlier_marks, split_modes, trend
from harness.analysis.validity.check import check
from harness.analysis.validity.evidence import Evidence, change_within
from harness.records import EXECUTORCH, Clock, ProcessReport
from harness.records.launches import later_launches
from harness.system.cpu_list import format_cpu_list, parse_cpu_list

RELEASE_BUILDS = ("release", "relwithdebinfo")
COUNT_TOLERANCE: dict[Clock, float] = {"emulated": 0.0, "virtual": 1e-4}
MIN_PROCESSES: dict[Clock, int] = {"real": 5, "virtual": 2, "emulated": 2}
MAX_RELATIVE_HALF_WIDTH = 0.03
DRIFT_P_VALUE = 0.02
DRIFT_BETWEEN_PROCESSES = 0.03
DRIFT_WITHIN_PROCESS = 0.05
MIN_ITERATIONS_FOR_SHAPE = 30
MIN_PROCESSES_FOR_SHAPE = 8
MODES_EXPLAINED_ITERATIONS = 0.85
MODES_EXPLAINED_PROCESSES = 0.93
MODES_SEPARATION = 0.03
MODES_SMALLER_SHARE = 0.15
INTERRUPTED_TIMES = 1.5
INTERRUPTED_SHARE = 0.05

# The program --------------------------------------------------------------------------------------


@check("invalid", affects="result")
def failed(evidence: Evidence) -> str | None:
    """The cell has no figures."""
    return evidence.failure.what if evidence.failure else None


@check("invalid", affects="result")
def parity_failed(evidence: Evidence) -> str | None:
    """The device does not compute what the reference does: the eager model, or the program's runtime here."""
    parity = evidence.parity
    if parity is None or parity.passed:
        return None
    return (
        f"the output differs from {reference_name(evidence.artifact.variant)}:"
        f" max abs error {parity.max_abs_error:.3g} > tolerance {parity.tolerance:.3g} ("
        f"cosine {parity.cosine:.6f}, same top-1: {'yes' if parity.top1_agrees else 'no'})"
    )


@check("suspect", affects="result")
def parity_unchecked(evidence: Evidence) -> str | None:
    """The output was never compared with that of the eager model or of this machine's runtime."""
    return (
        f"the output was not compared with {reference_name(evidence.artifact.variant)}"
        if evidence.parity is None and not evidence.failure
        else None
    )


@check("suspect", affects="setup")
def undelegated(evidence: Evidence) -> str | None:
    """Portable kernels run instead of XNNPACK's."""
    nodes = () if evidence.artifact.variant.is_own_program else evidence.artifact.undelegated_nodes
    shown = ", ".join(nodes[:3]) + (", ..." if len(nodes) > 3 else "")
    return f"{len(nodes)} operators run outside XNNPACK: {shown}" if nodes else None


@check("info", affects="setup")
def own_undelegated(evidence: Evidence) -> str | None:
    """The user's own program has operators that no delegate takes: portable kernels run them."""
    if not evidence.artifact.variant.is_own_program or not (nodes := evidence.artifact.undelegated_nodes):
        return None
    kinds = tuple(dict.fromkeys(nodes))
    shown = ", ".join(kinds[:3]) + (", ..." if len(kinds) > 3 else "")
    return f"{len(nodes)} operators run outside delegates: {shown}"


@check("invalid", affects="setup")
def debug_build(evidence: Evidence) -> str | None:
    """The runner was not compiled for speed."""
    builds = {p.build_type for p in evidence.processes if p.build_type.lower() not in RELEASE_BUILDS}
    return f"the runner's build type is {', '.join(sorted(builds))}" if builds else None


def _computing_threads(evidence: Evidence, process: ProcessReport) -> int:
    """The threads that computed: all that ran, but those that a runtime beside ExecuTorch adds for itself."""
    planned, found = evidence.plan.threads, process.threads_used or evidence.plan.threads
    return found if evidence.artifact.variant.runtime == EXECUTORCH else min(planned, found)


@check("invalid", affects="setup")
def affinity_violated(evidence: Evidence) -> str | None:
    """The process could run on other cores than planned, or with another number of threads."""
    planned = parse_cpu_list(evidence.plan.cpus) if evidence.plan.cpus else None
    for process in evidence.processes:
        if (threads := _computing_threads(evidence, process)) != evidence.plan.threads:
            return f"{threads} threads ran, {evidence.plan.threads} were planned"
        allowed = parse_cpu_list(process.cpus_allowed)
        if planned is not None and (allowed is None or not set(allowed) <= set(planned)):
            return f"the process could run on cores {process.cpus_allowed}, planned: {evidence.plan.cpus}"
    return None


@check("suspect", affects="setup")
def threads_exceed_cores(evidence: Evidence) -> str | None:
    """Threads that share a core wait for each other in every layer."""
    for process in evidence.processes:
        allowed = parse_cpu_list(process.cpus_allowed)
        if allowed is not None and len(allowed) < (threads := _computing_threads(evidence, process)):
            return f"{threads} threads shared the cores {process.cpus_allowed}"
    return None


@check("suspect", affects="setup")
def cpuset_excludes_cores(evidence: Evidence) -> str | None:
    """The device's cpuset left fewer cores than planned, or than it has where none were planned."""
    planned = parse_cpu_list(evidence.plan.cpus) if evidence.plan.cpus else None
    asked = set(planned or (core.index for core in evidence.device.cores))
    for process in () if evidence.device.clock == "emulated" else evidence.processes:
        allowed, scheduling = parse_cpu_list(process.cpus_allowed), process.scheduling
        if allowed is not None and scheduling is not None and (missing := asked - set(allowed)):
            # A process that pins itself replaces the affinity that it inherited.
            inherited = "" if planned else ", or the affinity that it inherited,"
            where = f"the process's cpuset {scheduling.cpuset or '(unreadable)'}{inherited}"
            return f"{where} leaves cores {process.cpus_allowed}, without {format_cpu_list(missing)}"
    return None


@check("suspect", affects="setup")
def task_profile_not_applied(evidence: Evidence) -> str | None:
    """A process was not in all the control groups of the task profile that was asked for."""
    asked = [process.task_profile for process in evidence.processes if process.task_profile]
    lacking = [one for one in asked if one.unavailable]
    if not lacking:
        return None
    return (
        f"{len(lacking)} of {len(asked)} processes did not run as {lacking[0].name}: {lacking[0].unavailable}"
    )


@check("suspect", affects="time")
def emulated(evidence: Evidence) -> str | None:
    """The clock is not a real one."""
    kind = {"emulated": "wall-clock times under an emulator", "virtual": "virtual time"}
    what = kind.get(evidence.device.clock)
    return f"the latencies are {what}: they do not predict those of a real device" if what else None


@check("suspect", affects="instructions")
def counts_differ(evidence: Evidence) -> str | None:
    """A single thread must execute the same instructions in every process.

    After packing weights into a file the heap lies otherwise: a first launch differs by some instructions.
    """
    alike = later_launches(evidence.processes) or evidence.processes
    counts = [p.instructions_per_inference for p in alike]
    known = [count for count in counts if count is not None]
    if not evidence.device.emulated or evidence.plan.threads != 1 or not known:
        return None
    spread = (max(known) - min(known)) / min(known) if min(known) else 0.0
    if spread <= COUNT_TOLERANCE[evidence.device.clock]:
        return None
    return f"instructions per inference range from {min(known):,} to {max(known):,} ({spread:.3%})"


@check("info", affects="setup")
def deadlines_missed(evidence: Evidence) -> str | None:
    """Inferences did not keep up with the rate that was asked for."""
    pace = evidence.pace
    if pace is None or not evidence.timed or not pace.missed:
        return None
    skipped = f"; in {pace.skipped:,} of them none began, because one still ran" if pace.skipped else ""
    return (
        f"{pace.missed:,} of {pace.periods:,} periods of {pace.period_ns / 1e6:.4g} ms"
        f" ({pace.missed_share:.1%}) ended without a result{skipped}"
    )


# The samples --------------------------------------------------------------------------------------


@check("suspect", affects="uncertainty")
def too_few_processes(evidence: Evidence) -> str | None:
    """Iterations of one process do not show how processes differ."""
    needed = MIN_PROCESSES[evidence.device.clock]
    if evidence.failure or len(evidence.processes) >= needed:
        return None
    found = len(evidence.processes)
    return f"{found} process{'es' * (found != 1)}, at least {needed} are needed"


@check("suspect", affects="uncertainty")
def interval_too_wide(evidence: Evidence) -> str | None:
    """The median is not known well enough to compare it."""
    if not evidence.timed or evidence.latency is None:
        return None
    width = evidence.latency.median_ns.relative_half_width
    if width <= MAX_RELATIVE_HALF_WIDTH:
        return None
    return f"the interval of the median is ±{width:.1%}, wider than ±{MAX_RELATIVE_HALF_WIDTH:.0%}"


@check("suspect", affects="time")
def drifted(evidence: Evidence) -> str | None:
    """The device became slower or faster while it was measured."""
    between = trend([float(np.median(p.latencies_ns)) for p in evidence.timed])
    if between.p_value <= DRIFT_P_VALUE and abs(between.relative_change) >= DRIFT_BETWEEN_PROCESSES:
        return (
            f"process medians changed by {between.relative_change:+.1%} from first to last "
            f"(p = {between.p_value:.3f})"
        )
    within = [change_within(p) for p in evidence.timed]
    typical = float(np.median(within)) if within else 0.0
    if abs(typical) >= DRIFT_WITHIN_PROCESS and all(change * typical > 0 for change in within):
        return f"each process changes speed while it runs, by {typical:+.1%} from its first to last third"
    return None


@check("suspect", affects="uncertainty")
def bimodal(evidence: Evidence) -> str | None:
    """The samples fall in two groups, and the median is that of the larger one."""
    modes = [
        split_modes(p.latencies_ns) for p in evidence.timed if len(p.latencies_ns) >= MIN_ITERATIONS_FOR_SHAPE
    ]
    split = [
        m
        for m in modes
        if m.explained >= MODES_EXPLAINED_ITERATIONS
        and m.separation >= MODES_SEPARATION
        and m.smaller_share >= MODES_SMALLER_SHARE
    ]
    if len(split) > len(modes) / 2:
        apart = float(np.median([m.separation for m in split]))
        return f"iterations have two speeds {apart:.1%} apart in {len(split)} of {len(modes)} processes"
    medians = [float(np.median(p.latencies_ns)) for p in evidence.timed]
    if len(medians) < MIN_PROCESSES_FOR_SHAPE:
        return None
    found = split_modes(medians)
    if (
        found.explained >= MODES_EXPLAINED_PROCESSES
        and found.separation >= MODES_SEPARATION
        and found.smaller_share >= MODES_SMALLER_SHARE
    ):
        return f"processes have two speeds {found.separation:.1%} apart ({found.smaller_share:.0%} in one)"
    return None


@check("suspect", affects="uncertainty")
def interrupted(evidence: Evidence) -> str | None:
    """Interruptions made a large share of the iterations slow: p90 and p99 are not the program's."""
    samples = [np.asarray(p.latencies_ns) for p in evidence.timed]
    slow = sum(int((one > INTERRUPTED_TIMES * np.median(one)).sum()) for one in samples)
    share = slow / max(1, sum(one.size for one in samples))
    if share <= INTERRUPTED_SHARE:
        return None
    return f"{share:.0%} of the iterations took over {INTERRUPTED_TIMES} times the median of their process"


@check("info", affects="uncertainty")
def outliers(evidence: Evidence) -> str | None:
    """Single iterations are far from the median of their process; they are kept."""
    marked = sum(int(outlier_marks(p.latencies_ns).sum()) for p in evidence.timed)
    samples = sum(len(p.latencies_ns) for p in evidence.timed)
    return f"{marked:,} of {samples:,} samples are outliers ({marked / samples:.1%})" if marked else None
