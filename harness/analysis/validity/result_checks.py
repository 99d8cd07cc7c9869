"""Checks of the program and of how it ran: each returns a sentence with figures, or None.

Thresholds are the constants at the top; docs/verdicts.md gives the source of each.
"""

from harness.analysis.parity import reference_name
from harness.analysis.validity.check import check
from harness.analysis.validity.evidence import Evidence
from harness.records import EXECUTORCH, Clock, ProcessReport
from harness.records.launches import later_launches
from harness.system.cpu_list import format_cpu_list, parse_cpu_list
from harness.system.text import excerpt

RELEASE_BUILDS = ("release", "relwithdebinfo")
COUNT_TOLERANCE: dict[Clock, float] = {"emulated": 0.0, "virtual": 1e-4}


@check(
    "invalid",
    affects="result",
    threshold="any failure",
    fix="read the program's last output below, then harness run --resume",
)
def failed(evidence: Evidence) -> str | None:
    """The cell has no figures."""
    return evidence.failure.what if evidence.failure else None


@check(
    "invalid",
    affects="result",
    threshold="an output off by more than the precision's tolerance",
    fix="do not ship the file: the reason names the first stage whose output differs",
)
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


@check(
    "suspect", affects="result", threshold="no output was compared", fix="measure the cell again: harness run"
)
def parity_unchecked(evidence: Evidence) -> str | None:
    """The output was never compared with that of the eager model or of this machine's runtime."""
    if evidence.parity is not None or evidence.failure:
        return None
    changing = evidence.artifact.not_comparable
    return f"the output was not compared with {reference_name(evidence.artifact.variant)}" + (
        f": {excerpt(changing)}" if changing else ""
    )


@check(
    "suspect",
    affects="setup",
    threshold="any operator outside XNNPACK",
    fix="change the network so that XNNPACK runs it whole; the reason names the operators",
)
def undelegated(evidence: Evidence) -> str | None:
    """Portable kernels run instead of XNNPACK's."""
    nodes = () if evidence.artifact.variant.is_own_program else evidence.artifact.undelegated_nodes
    shown = ", ".join(nodes[:3]) + (", ..." if len(nodes) > 3 else "")
    return f"{len(nodes)} operators run outside XNNPACK: {shown}" if nodes else None


@check(
    "info",
    affects="setup",
    threshold="operators outside the delegates of an own program",
    fix="lower the program so that XNNPACK takes them; the reason names the operators",
)
def own_undelegated(evidence: Evidence) -> str | None:
    """The user's own program has operators that no delegate takes: portable kernels run them."""
    if not evidence.artifact.variant.is_own_program or not (nodes := evidence.artifact.undelegated_nodes):
        return None
    kinds = tuple(dict.fromkeys(nodes))
    shown = ", ".join(kinds[:3]) + (", ..." if len(kinds) > 3 else "")
    return f"{len(nodes)} operators run outside delegates: {shown}"


@check(
    "invalid",
    affects="setup",
    threshold=f"a build that is not {' or '.join(RELEASE_BUILDS)}",
    fix="build the bundle again: harness bundle build",
)
def debug_build(evidence: Evidence) -> str | None:
    """The runner was not compiled for speed."""
    builds = {p.build_type for p in evidence.processes if p.build_type.lower() not in RELEASE_BUILDS}
    return f"the runner's build type is {', '.join(sorted(builds))}" if builds else None


def _computing_threads(evidence: Evidence, process: ProcessReport) -> int:
    """The threads that computed: all that ran, but those that a runtime beside ExecuTorch adds for itself."""
    planned, found = evidence.plan.threads, process.threads_used or evidence.plan.threads
    return found if evidence.artifact.variant.runtime == EXECUTORCH else min(planned, found)


@check(
    "invalid",
    affects="setup",
    threshold="other cores or another number of threads than planned",
    fix="choose cores that the device lets a shell use: --cores",
)
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


@check(
    "suspect",
    affects="setup",
    threshold="more threads than cores",
    fix="use fewer threads, or more cores: --threads, --cores",
)
def threads_exceed_cores(evidence: Evidence) -> str | None:
    """Threads that share a core wait for each other in every layer."""
    for process in evidence.processes:
        allowed = parse_cpu_list(process.cpus_allowed)
        if allowed is not None and len(allowed) < (threads := _computing_threads(evidence, process)):
            return f"{threads} threads shared the cores {process.cpus_allowed}"
    return None


@check(
    "suspect",
    affects="setup",
    threshold="fewer cores in the process's cpuset than were asked for",
    fix="start from a shell whose cpuset has all cores, or choose among those it has: --cores",
)
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


@check(
    "suspect",
    affects="setup",
    threshold="a process outside the control groups that were asked for",
    fix="read in the reason what kept it out, then use a shell that may, or leave out --task-profile",
)
def task_profile_not_applied(evidence: Evidence) -> str | None:
    """A process was not in all the control groups of the task profile that was asked for."""
    asked = [process.task_profile for process in evidence.processes if process.task_profile]
    lacking = [one for one in asked if one.unavailable]
    if not lacking:
        return None
    return (
        f"{len(lacking)} of {len(asked)} processes did not run as {lacking[0].name}: {lacking[0].unavailable}"
    )


@check(
    "suspect",
    affects="time",
    threshold="a clock that is not real",
    fix="read the counts of instructions, and measure times on a real device",
)
def emulated(evidence: Evidence) -> str | None:
    """The clock is not a real one."""
    kind = {"emulated": "wall-clock times under an emulator", "virtual": "virtual time"}
    what = kind.get(evidence.device.clock)
    return f"the latencies are {what}: they do not predict those of a real device" if what else None


@check(
    "suspect",
    affects="instructions",
    threshold="counts of one thread that differ between processes",
    fix="measure again; if it stays, the program depends on its surroundings",
)
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


@check(
    "info",
    affects="setup",
    threshold="a period that ends without a result",
    fix="ship a cheaper variant, or ask for fewer: --rate",
)
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
