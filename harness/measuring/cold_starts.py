"""Fresh processes that find nothing of the program and of the runtime's libraries in memory."""

import msgspec

from harness.analysis.summaries import summarize_startup
from harness.errors import ReportRejected
from harness.records import Artifact, Beginning, ColdProcess, ColdStartup, Plan, RunnerReport
from harness.runner.command_line import runner_argv
from harness.runner.deploy import DeployedArtifact
from harness.runner.job import Job
from harness.runner.report import fetch_report
from harness.runner.report_checks import check_waited
from harness.runner.start import run_beside
from harness.runner.time_limits import timeout_for
from harness.system.platforms import boottime_s
from harness.system.text import excerpt


def measure_cold(job: Job, deployed: DeployedArtifact, artifact: Artifact, plan: Plan) -> ColdStartup:
    """Start as many processes as the plan has, each cold, for one inference.

    Raises:
        RunnerFailed, ReportRejected: as `runner.measure_process` does.
    """
    brief = msgspec.structs.replace(
        plan, warmup_iterations=0, min_iterations=1, min_seconds=0.0, counted_iterations=0
    )
    argv = (*runner_argv(job.device, job.bundle, deployed, brief), "--cold")
    processes = []
    for _ in range(plan.processes):
        began = boottime_s()
        exit_code, beginning = run_beside(job, argv, timeout_s=timeout_for(job.device, brief))
        waited_s = boottime_s() - began
        report = fetch_report(job, exit_code, artifact, brief)
        process = _process(report, beginning)
        check_waited(process.total_ns, job.device.info.clock, waited_s)
        processes.append(process)
    return summarize_cold(tuple(processes))


def summarize_cold(processes: tuple[ColdProcess, ...]) -> ColdStartup:
    """Figures of the processes that were shown to be cold, and why others were not."""
    cold = tuple(process for process in processes if process.is_cold)
    others = [process for process in processes if not process.is_cold]
    reason = (
        f"{len(others)} of {len(processes)} processes were not cold: {others[0].unavailable}"
        if others
        else None
    )
    return ColdStartup(startup=summarize_startup(cold), processes=processes, unavailable=reason)


def no_cold_startup(reason: str) -> ColdStartup:
    """No figures, for this reason."""
    return ColdStartup(startup=None, processes=(), unavailable=reason)


def _process(report: RunnerReport, began: Beginning) -> ColdProcess:
    cold = report.cold
    if cold is None:
        raise ReportRejected("the device's report lacks what a cold start found in memory")
    if cold.resident_pages > cold.pages or (cold.resident_pages > 0) > (cold.unavailable is not None):
        raise ReportRejected("the device reports impossible numbers of pages")
    return ColdProcess(
        load_ns=report.load_ns,
        init_ns=report.init_ns,
        first_ns=report.first_ns,
        files=cold.files,
        pages=cold.pages,
        resident_before_pages=cold.resident_before_pages,
        resident_pages=cold.resident_pages,
        unavailable=cold.unavailable and excerpt(cold.unavailable),
        began=began,
    )
