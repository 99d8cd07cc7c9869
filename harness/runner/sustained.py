"""One process that runs back to back for minutes: started, or taken over later, and read strictly."""

import msgspec

from harness.errors import ReportRejected
from harness.records import Artifact, Plan, SustainedRun
from harness.records.sustained_checks import find_impossible_run
from harness.runner.command_line import runner_argv
from harness.runner.deploy import DeployedArtifact
from harness.runner.job import Job
from harness.runner.orphan import Request
from harness.runner.report import fetch_conditions, fetch_report, scheduling_of
from harness.runner.report_checks import check_lasted
from harness.runner.sampler import read_samples
from harness.runner.start import request_now, start, take_over
from harness.runner.task_profile import read_task_profile

# One sample a second says which clock fell at which second; of hours fewer, so that the file stays small.
SHORTEST_PERIOD_S = 1.0
MOST_SAMPLES = 1200


def measure_sustained(
    job: Job,
    deployed: DeployedArtifact,
    artifact: Artifact,
    plan: Plan,
    seconds: int,
    *,
    run: str = "",
    cooled_seconds: float | None = None,
    max_temp_celsius: float | None = None,
    began_celsius: float | None = None,
) -> SustainedRun:
    """Run one process for that long and read its report back; `run` names the run folder.

    Raises:
        RunnerFailed, ReportRejected: as `runner.measure_process` does.
    """
    plan = _plan_of(plan, seconds)
    argv = _argv(job, deployed, plan, seconds)
    request = msgspec.structs.replace(
        request_now(job, artifact, plan, argv, run=run, cooled_seconds=cooled_seconds),
        sustain_seconds=seconds,
        max_temp_celsius=max_temp_celsius,
        began_celsius=began_celsius,
    )
    exit_code, waited_s = start(job, request, plan, sampling_period=period_of(seconds))
    if exit_code == 0:
        check_lasted(seconds, job.device.info.clock, waited_s)
    return _collect(job, exit_code, request, artifact, plan, seconds)


def reattach_sustained(
    job: Job, request: Request, deployed: DeployedArtifact, artifact: Artifact, plan: Plan, seconds: int
) -> SustainedRun:
    """Take over the process that a killed session of the same run started; wait for it if it still runs.

    Raises:
        ReportRejected: the process differs from the one asked for now; or as `measure_sustained` does.
    """
    plan = _plan_of(plan, seconds)
    exit_code = take_over(job, request, plan, _argv(job, deployed, plan, seconds))
    return _collect(job, exit_code, request, artifact, plan, seconds)


def period_of(seconds: int) -> float:
    """Seconds between two samples of clocks and temperatures."""
    return max(SHORTEST_PERIOD_S, seconds / MOST_SAMPLES)


def _plan_of(plan: Plan, seconds: int) -> Plan:
    """Without warm-up: a device that is used begins cold, too. Nothing is counted or timed one by one."""
    return msgspec.structs.replace(
        plan,
        warmup_iterations=0,
        min_iterations=1,
        min_seconds=0.0,
        max_seconds=float(seconds),
        counted_iterations=0,
    )


def _argv(job: Job, deployed: DeployedArtifact, plan: Plan, seconds: int) -> tuple[str, ...]:
    return (*runner_argv(job.device, job.bundle, deployed, plan), "--sustain-seconds", str(seconds))


def _collect(
    job: Job, exit_code: int, request: Request, artifact: Artifact, plan: Plan, seconds: int
) -> SustainedRun:
    report = fetch_report(job, exit_code, artifact, plan, timed=False)
    before, after = (fetch_conditions(job, name) for name in ("conditions_before", "conditions_after"))
    sampled = read_samples(job, plan, period=period_of(seconds))
    task_profile = read_task_profile(job, plan)
    found = report.sustained
    if found is None:
        raise ReportRejected("the device's report lacks the seconds of the sustained run")
    run = SustainedRun(
        began_uptime_seconds=found.began_uptime_ns / 1e9,
        inferences=found.inferences,
        median_ns=found.median_ns,
        p90_ns=found.p90_ns,
        max_ns=found.max_ns,
        started_at=request.started_at,
        threads_used=report.threads_used,
        cpus_allowed=report.cpus_allowed,
        conditions_before=before,
        conditions_after=after,
        sampled=sampled,
        cooled_seconds=request.cooled_seconds,
        max_temp_celsius=request.max_temp_celsius,
        began_celsius=request.began_celsius,
        scheduling=scheduling_of(report.scheduling),
        task_profile=task_profile,
    )
    for impossible in find_impossible_run(run, seconds):
        raise ReportRejected(f"the device's report is wrong: {impossible}", hint="measure again")
    return run
