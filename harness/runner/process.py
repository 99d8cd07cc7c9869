"""One process of the runner: its command line, and its report, decoded strictly."""

import contextlib
import posixpath
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec

from harness.analysis.warmup import move_warmup
from harness.devices.conditions import parse_conditions
from harness.devices.device import JOB, Device
from harness.devices.probe import parse_probe
from harness.errors import ReportRejected, RunnerFailed
from harness.records import (
    Artifact,
    BackendOptions,
    Conditions,
    PackedCache,
    PackedCacheReport,
    Plan,
    ProcessReport,
    RunnerReport,
    Scheduling,
    SchedulingReport,
)
from harness.records.decoding import Malformed, decode_json
from harness.runner.counters import missing_counters, moving_count, typical_count
from harness.runner.deploy import DeployedArtifact, DeployedBundle
from harness.runner.job import Job
from harness.runner.orphan import Request, encode_request
from harness.runner.report_checks import check_possible, check_times
from harness.runner.sampler import read_samples, sampler_words
from harness.system.text import excerpt

# Loading, warming up and counting come on top of the timed part, and emulated cores are slow.
START_ALLOWANCE_S = 120
# Most starts take a second or two: after a longer silence the connection may be lost.
SILENT_START_S = 15
SLOW_CLOCK_FACTOR = 5
MAX_SAMPLES = 5_000_000


@dataclass(frozen=True)
class Measured:
    """One process: its record, and its output for the reference input."""

    process: ProcessReport
    output: tuple[float, ...]


def measure_process(
    job: Job,
    deployed: DeployedArtifact,
    artifact: Artifact,
    plan: Plan,
    *,
    round_: int,
    run: str = "",
    cooled_seconds: float | None = None,
) -> Measured:
    """Run one fresh process on the device and read its report back.

    `run` names the run folder; only that run may take over the process if the harness is killed.

    Raises:
        RunnerFailed: the process ended with an error or a signal; the message has its last output.
        ReportRejected: the report is not one that the runner writes.
    """
    device = job.device
    request = Request(
        run=run,
        boot_id=device.info.boot_id,
        variant=artifact.variant.name,
        threads=plan.threads,
        cpus=plan.cpus,
        rate_hz=plan.rate_hz,
        backend_options=plan.backend_options,
        round=round_,
        argv=runner_argv(device, job.bundle, deployed, plan, first_launch=round_ == 0),
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        cooled_seconds=cooled_seconds,
    )
    began = host_seconds_now()
    exit_code = job.run(
        request.argv,
        timeout_s=timeout_for(device, plan),
        expected_s=expected_for(device, plan),
        request=encode_request(request),
        conditions=True,
        beside=sampler_words(device.info.cores, plan),
    )
    return _collect(job, exit_code, request, artifact, plan, host_seconds=host_seconds_now() - began)


def reattach(
    job: Job, request: Request, deployed: DeployedArtifact, artifact: Artifact, plan: Plan
) -> Measured:
    """Take over the process that a killed session of the same run started; wait for it if it still runs.

    Raises:
        ReportRejected: the process differs from the one asked for now; or as `measure_process` does.
    """
    if request.argv != runner_argv(job.device, job.bundle, deployed, plan, first_launch=request.round == 0):
        raise ReportRejected(
            "the process left running differs from the one asked for now", device=job.device.info.name
        )
    return _collect(job, job.wait(timeout_s=timeout_for(job.device, plan)), request, artifact, plan)


def host_seconds_now() -> float:
    """This machine's time since it started, suspended or not: the device measures on while it sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _collect(
    job: Job,
    exit_code: int,
    request: Request,
    artifact: Artifact,
    plan: Plan,
    *,
    host_seconds: float | None = None,
) -> Measured:
    report = fetch_report(job, exit_code, artifact, plan)
    counted = parse_counts(job.fetch("instructions"), plan) if job.device.counts_instructions else None
    init_instructions = counted.init if counted else report.init_instructions
    counts = counted.inferences if counted else None
    before, after = (fetch_conditions(job, name) for name in ("conditions_before", "conditions_after"))
    sampled = read_samples(job, plan)
    job.remove()
    process = ProcessReport(
        round=request.round,
        started_at=request.started_at,
        cooled_seconds=request.cooled_seconds,
        build_type=report.build_type,
        canary_ns=report.canary_ns,
        load_ns=report.load_ns,
        init_ns=report.init_ns,
        init_instructions=init_instructions,
        packed_cache=packed_cache_of(report.packed_cache),
        first_ns=report.first_ns,
        warmup_ns=report.warmup_ns,
        latencies_ns=report.latencies_ns,
        starts_ns=report.starts_ns,
        rss_start_bytes=report.rss_start_bytes,
        rss_loaded_bytes=report.rss_loaded_bytes,
        rss_initialized_bytes=report.rss_initialized_bytes,
        rss_end_bytes=report.rss_end_bytes,
        peak_rss_bytes=report.peak_rss_bytes,
        threads_used=report.threads_used,
        cpus_allowed=report.cpus_allowed,
        instructions_per_inference=moving_count(counts or report.counted_instructions),
        cycles_per_inference=moving_count(report.counted_cycles),
        cache_misses_per_inference=typical_count(report.counted_cache_misses),
        branch_misses_per_inference=typical_count(report.counted_branch_misses),
        counters_unavailable=missing_counters(report, counts),
        conditions_before=before,
        conditions_after=after,
        sampled=sampled,
        scheduling=scheduling_of(report.scheduling),
    )
    check_times(process, job.device.info.clock, host_seconds)
    check_possible(process, plan)
    return Measured(move_warmup(process), report.output.values)


def scheduling_of(report: SchedulingReport) -> Scheduling:
    """With text of the device made harmless and short."""
    found = msgspec.convert(report, Scheduling, from_attributes=True)
    texts = {name: getattr(found, name) for name in ("cgroup", "cpuset", "unavailable")}
    return msgspec.structs.replace(found, **{name: text and excerpt(text) for name, text in texts.items()})


def fetch_conditions(job: Job, name: str) -> Conditions:
    """`conditions_before` or `conditions_after` of a job."""
    return parse_conditions(parse_probe(job.fetch(name).decode("utf-8", "replace")))


def packed_cache_of(report: PackedCacheReport | None) -> PackedCache | None:
    """What the process did with the file, by its size before and after, and whether it was mapped."""
    if report is None:
        return None
    use: Literal["written", "read", "unused"] = "unused"
    if report.mapped and report.bytes:
        use = "read" if report.bytes == report.bytes_before else "written"
    return PackedCache(use=use, file_bytes=report.bytes)


def runner_argv(
    device: Device,
    bundle: DeployedBundle,
    deployed: DeployedArtifact,
    plan: Plan,
    *,
    first_launch: bool = False,
) -> tuple[str, ...]:
    """The command line of one process; `{job}` stands for its job folder.

    With `first_launch` it finds no packed cache, as after installing.
    """
    options = {
        "--model": deployed.program,
        "--input": deployed.reference_input,
        "--report": f"{JOB}/report.json",
        "--threads": plan.threads,
        "--warmup-iterations": plan.warmup_iterations,
        "--min-iterations": plan.min_iterations,
        "--min-seconds": plan.min_seconds,
        "--max-seconds": plan.max_seconds,
        "--counted-iterations": plan.counted_iterations,
    }
    if plan.cpus is not None:
        options["--cpus"] = plan.cpus
    if plan.period_ns is not None:
        options["--period-ns"] = plan.period_ns
    words = [str(word) for option in options.items() for word in option]
    words += _backend_words(bundle, deployed, plan.backend_options, first_launch=first_launch)
    marks = ["--mark-counted"] if device.counts_instructions else []
    return (*bundle.runner_argv(device.launcher), *words, *marks)


def _backend_words(
    bundle: DeployedBundle, deployed: DeployedArtifact, options: BackendOptions | None, *, first_launch: bool
) -> list[str]:
    match options:
        case "weight-cache":
            return ["--weight-cache"]
        case "packed-cache":
            # One for each program and bundle: another XNNPACK packs in another way.
            file = f"{deployed.program.removesuffix('.pte')}-{posixpath.basename(bundle.folder)}.packed"
            return ["--packed-cache", file, *(["--fresh-packed-cache"] if first_launch else [])]
        case "workspace-per-model":
            return ["--workspace-sharing-mode", "1"]
        case "workspace-unshared":
            return ["--workspace-sharing-mode", "0"]
        case None:
            return []


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
    expected = 1
    for size in artifact.output.sizes:
        expected *= size
    problems = {
        f"{len(report.output.values)} outputs instead of {expected}": len(report.output.values) != expected,
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


@dataclass(frozen=True)
class Counted:
    """Instructions of the initialization and of each counted inference."""

    init: int
    inferences: tuple[int, ...]


def parse_counts(content: bytes, plan: Plan) -> Counted:
    """The instruction counter's file: one decimal count a line, of the initialization and each inference.

    Raises:
        ReportRejected: the file has another form.
    """
    lines = content.decode("ascii", "replace").split()
    if len(lines) != 1 + plan.counted_iterations or not all(
        line.isdecimal() and 0 < len(line) < 16 and int(line) for line in lines
    ):
        raise ReportRejected(
            f"the instruction counter wrote {len(lines)} counts for the initialization and"
            f" {plan.counted_iterations} inferences"
        )
    init, *inferences = map(int, lines)
    return Counted(init, tuple(inferences))


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


def timeout_for(device: Device, plan: Plan) -> float:
    """An upper bound on how long a process takes."""
    return _slowness(device) * (START_ALLOWANCE_S + 3 * (plan.max_seconds + _paced_seconds(plan)))


def expected_for(device: Device, plan: Plan) -> float:
    """How long a process usually takes at most."""
    return _slowness(device) * (SILENT_START_S + plan.max_seconds + _paced_seconds(plan))


def _paced_seconds(plan: Plan) -> float:
    """What the schedule adds: warm-up, the last timed inference, and counting twice are paced too."""
    return (plan.warmup_iterations + 1 + 2 * plan.counted_iterations) * (plan.period_ns or 0) / 1e9


def _slowness(device: Device) -> int:
    """Emulated cores are slower, and virtual seconds longer than the host's."""
    return SLOW_CLOCK_FACTOR if device.info.emulated else 1
