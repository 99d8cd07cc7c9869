"""The report of a process that has ended: fetched, decoded strictly, and its parts as they are saved."""

import contextlib
import math
from typing import Literal

import msgspec

from harness.devices.conditions import parse_conditions
from harness.devices.probe import parse_probe
from harness.errors import ReportRejected, RunnerFailed
from harness.records import (
    EXECUTORCH,
    Artifact,
    Conditions,
    PackedCache,
    PackedCacheReport,
    Plan,
    RunnerReport,
    RuntimeName,
    Scheduling,
    SchedulingReport,
)
from harness.records.decoding import Malformed, decode_json
from harness.runner.job import Job
from harness.runner.output_checks import check_outputs
from harness.system.text import excerpt

MAX_SAMPLES = 5_000_000


def fetch_report(
    job: Job, exit_code: int, artifact: Artifact, plan: Plan, *, timed: bool = True
) -> RunnerReport:
    """The report of a process that has ended; raises as `measure_process` does.

    A process that is not `timed` has no timed inference.
    """
    if exit_code != 0:
        what = describe_end(exit_code, job.last_output())
        if exit_code > 128:
            what += _describe_memory(job)
        raise RunnerFailed(what, device=job.device.info.name)
    return decode_report(job.fetch("report.json"), artifact, plan, timed=timed)


def decode_report(content: bytes, artifact: Artifact, plan: Plan, *, timed: bool = True) -> RunnerReport:
    """Decode a report and check that it matches the plan and the artifact.

    Raises:
        ReportRejected: malformed, incomplete, or of another program, plan or ABI.
    """
    try:
        report = decode_json(content, RunnerReport)
    except Malformed as error:
        raise ReportRejected(f"the device's report is malformed: {excerpt(str(error))}") from error
    expected = math.prod(artifact.output.sizes)
    if artifact.outputs_are_apart:
        check_outputs(report.outputs, artifact.all_outputs)
    elif report.output is None:
        raise ReportRejected("the device's report has no output")
    values = len(report.values)
    problems = {
        **_wrong_runtime(report, artifact.variant.runtime),
        f"{values} outputs instead of {expected}": not artifact.outputs_are_apart and values != expected,
        f"{report.threads_requested} threads instead of {plan.threads}": report.threads_requested
        != plan.threads,
        f"{len(report.warmup_ns)} warm-up iterations instead of {plan.warmup_iterations}": len(
            report.warmup_ns
        )
        < plan.warmup_iterations,
        "no timed iteration": timed and not report.latencies_ns,
        "timed iterations that were not asked for": not timed and bool(report.latencies_ns),
        "more samples than the runner takes": len(report.latencies_ns) > MAX_SAMPLES,
    }
    wrong = [problem for problem, present in problems.items() if present]
    if wrong:
        raise ReportRejected(f"the device's report does not match the plan: {wrong[0]}")
    return report


def _wrong_runtime(report: RunnerReport, planned: RuntimeName) -> dict[str, bool]:
    """A report names its runtime and that one's version; of ExecuTorch the version alone."""
    field = "executorch_version" if planned == EXECUTORCH else "runtime_version"
    return {
        f"the runtime {excerpt(report.runtime)} instead of {planned}": report.runtime != planned,
        f"no {field}": not getattr(report, field),
    }


def describe_end(exit_code: int, last_output: str) -> str:
    """What an exit code means, with the runner's last output."""
    how = (
        f"the runner was killed by signal {exit_code - 128}"
        if exit_code > 128
        else f"the runner failed ({exit_code})"
    )
    if exit_code == 128 + 9:
        how += ", probably because the device ran out of memory"
    return f"{how}: {last_output or '(no output on stderr)'}"


def _describe_memory(job: Job) -> str:
    """How much memory was free just before and after a killed process, where that was read."""
    available = []
    for name in ("conditions_before", "conditions_after"):
        with contextlib.suppress(ReportRejected):
            available.append(fetch_conditions(job, name).memory_available_bytes)
    if len(available) != 2 or None in available:
        return ""
    before, after = (f"{(size or 0) / 1e6:.0f}" for size in available)
    return f" ({before} MB of memory were available before the process, {after} MB after)"


def fetch_conditions(job: Job, name: str) -> Conditions:
    """`conditions_before` or `conditions_after` of a job."""
    return parse_conditions(parse_probe(job.fetch(name).decode("utf-8", "replace")))


def scheduling_of(report: SchedulingReport) -> Scheduling:
    """With text of the device made harmless and short."""
    found = msgspec.convert(report, Scheduling, from_attributes=True)
    texts = {name: getattr(found, name) for name in ("cgroup", "cpuset", "unavailable")}
    return msgspec.structs.replace(found, **{name: text and excerpt(text) for name, text in texts.items()})


def packed_cache_of(report: PackedCacheReport | None) -> PackedCache | None:
    """What the process did with the file, by its size before and after, and whether it was mapped."""
    if report is None:
        return None
    use: Literal["written", "read", "unused"] = "unused"
    if report.mapped and report.bytes:
        use = "read" if report.bytes == report.bytes_before else "written"
    return PackedCache(use=use, file_bytes=report.bytes)
