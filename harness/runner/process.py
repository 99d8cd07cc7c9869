"""One timed process of the runner, from its start to its record."""

from dataclasses import dataclass

import msgspec

from harness.analysis.warmup import move_warmup
from harness.records import Artifact, Plan, ProcessReport
from harness.runner.command_line import OUTPUTS, runner_argv
from harness.runner.counters import missing_counters, moving_count, parse_counts, typical_count
from harness.runner.deploy import DeployedArtifact
from harness.runner.job import Job
from harness.runner.orphan import Request
from harness.runner.report import fetch_conditions, fetch_report, packed_cache_of, scheduling_of
from harness.runner.report_checks import check_possible, check_times
from harness.runner.sampler import read_samples
from harness.runner.start import request_now, start, take_over
from harness.runner.task_profile import RECORD, read_task_profile


@dataclass(frozen=True)
class Measured:
    """One process: its record, and its output for the reference input.

    `outputs` are those of a program whose outputs are apart, little-endian, one tensor after the other.
    """

    process: ProcessReport
    output: tuple[float, ...]
    outputs: bytes = b""


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

    `run` names the run folder; only that run may take over the process if the harness is killed. The job's
    folder stays, so that this also holds until the record is saved; the next process empties it.

    Raises:
        RunnerFailed: the process ended with an error or a signal; the message has its last output.
        ReportRejected: the report is not one that the runner writes.
    """
    argv = runner_argv(job.device, job.bundle, deployed, plan, first_launch=round_ == 0)
    request = request_now(job, artifact, plan, argv, run=run, cooled_seconds=cooled_seconds)
    request = msgspec.structs.replace(request, round=round_)
    exit_code, waited_s = start(job, request, plan)
    return _collect(job, exit_code, request, artifact, plan, host_seconds=waited_s)


def reattach(
    job: Job, request: Request, deployed: DeployedArtifact, artifact: Artifact, plan: Plan
) -> Measured:
    """Take over the process that a killed session of the same run started; wait for it if it still runs.

    Raises:
        ReportRejected: the process differs from the one asked for now; or as `measure_process` does.
    """
    argv = runner_argv(job.device, job.bundle, deployed, plan, first_launch=request.round == 0)
    return _collect(job, take_over(job, request, plan, argv), request, artifact, plan)


def _collect(
    job: Job,
    exit_code: int,
    request: Request,
    artifact: Artifact,
    plan: Plan,
    *,
    host_seconds: float | None = None,
) -> Measured:
    if exit_code == 0:
        job = job.fetch_together(*_files_of(job, artifact, plan))
    report = fetch_report(job, exit_code, artifact, plan)
    counted = parse_counts(job.fetch("instructions"), plan) if job.device.counts_instructions else None
    init_instructions = counted.init if counted else report.init_instructions
    counts = counted.inferences if counted else None
    before, after = (fetch_conditions(job, name) for name in ("conditions_before", "conditions_after"))
    sampled = read_samples(job, plan)
    task_profile = read_task_profile(job, plan)
    outputs = job.fetch(OUTPUTS) if artifact.outputs_are_apart else b""
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
        task_profile=task_profile,
    )
    check_times(process, job.device.info.clock, host_seconds)
    check_possible(process, plan)
    return Measured(move_warmup(process), report.values, outputs)


def _files_of(job: Job, artifact: Artifact, plan: Plan) -> list[str]:
    """Names of all files that are read of a process which ended well."""
    asked = {
        "report.json": True,
        "conditions_before": True,
        "conditions_after": True,
        "instructions": job.device.counts_instructions,
        "samples": plan.sampler,
        RECORD: plan.task_profile is not None,
        OUTPUTS: artifact.outputs_are_apart,
    }
    return [name for name, wanted in asked.items() if wanted]
