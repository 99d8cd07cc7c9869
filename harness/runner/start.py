"""A process is started and waited for, or the one that a killed session left running is taken over."""

from datetime import UTC, datetime

from harness.errors import ReportRejected
from harness.records import Artifact, Beginning, Plan
from harness.runner.job import Job
from harness.runner.orphan import Request, encode_request
from harness.runner.report import fetch_conditions
from harness.runner.sampler import sampler_words
from harness.runner.time_limits import expected_for, timeout_for
from harness.system.platforms import boottime_s


def request_now(
    job: Job, artifact: Artifact, plan: Plan, argv: tuple[str, ...], *, run: str, cooled_seconds: float | None
) -> Request:
    """What is to be started now, in round 0."""
    return Request(
        run=run,
        boot_id=job.device.info.boot_id,
        variant=artifact.variant.name,
        threads=plan.threads,
        cpus=plan.cpus,
        rate_hz=plan.rate_hz,
        backend_options=plan.backend_options,
        round=0,
        argv=argv,
        started_at=_now(),
        cooled_seconds=cooled_seconds,
    )


def start(
    job: Job, request: Request, plan: Plan, *, sampling_period: float | None = None
) -> tuple[int, float]:
    """Run the process to its end; its exit code, and the seconds that this machine waited.

    These pass while this machine is suspended, too: the device measures on while it sleeps.
    `sampling_period` is in seconds, by default that of the plan.
    """
    began = boottime_s()
    exit_code = job.run(
        request.argv,
        timeout_s=timeout_for(job.device, plan),
        expected_s=expected_for(job.device, plan),
        request=encode_request(request),
        conditions=True,
        beside=sampler_words(job.device.info.cores, plan, period=sampling_period),
    )
    return exit_code, boottime_s() - began


def run_beside(job: Job, argv: tuple[str, ...], *, timeout_s: float) -> tuple[int, Beginning]:
    """Run a process that is not one of the timed ones to its end; its exit code, and when it began."""
    started_at = _now()
    exit_code = job.run(argv, timeout_s=timeout_s, conditions=True)
    try:
        uptime_seconds = fetch_conditions(job, "conditions_before").uptime_seconds
    except ReportRejected:
        uptime_seconds = None
    return exit_code, Beginning(started_at=started_at, uptime_seconds=uptime_seconds)


def take_over(job: Job, request: Request, plan: Plan, argv: tuple[str, ...]) -> int:
    """Wait for a process that was left running, which must be the one that `argv` would start; its exit code.

    Raises:
        ReportRejected: the process differs from the one asked for now.
    """
    if request.argv != argv:
        raise ReportRejected(
            "the process left running differs from the one asked for now", device=job.device.info.name
        )
    return job.wait(timeout_s=timeout_for(job.device, plan))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
