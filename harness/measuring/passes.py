"""Processes of their own for what disturbs times: memory from smaps_rollup, and time per operator."""

import math
from collections.abc import Sequence

import msgspec

from harness.devices.probe import clean
from harness.errors import ReportRejected
from harness.measuring.deploy import DeployedArtifact
from harness.measuring.jobs import Job
from harness.measuring.runner import fetch_report, runner_argv, timeout_for
from harness.records import (
    Artifact,
    MemoryDetail,
    OperatorKind,
    OperatorTime,
    Plan,
    Profile,
    ProfiledOperator,
    RunnerReport,
)

PROFILED_INFERENCES = 30
# The slowest of them were held up by something else. Not the median: XNNPACK tells whole microseconds.
KEPT_SHARE = 0.9


def measure_memory(job: Job, deployed: DeployedArtifact, artifact: Artifact, plan: Plan) -> MemoryDetail:
    """Run one process that reads its memory after loading and at its end.

    Raises:
        RunnerFailed, ReportRejected: as `runner.measure_process` does.
    """
    brief = msgspec.structs.replace(plan, warmup_iterations=0)
    detail = _run_briefly(job, deployed, artifact, brief, "--memory-detail").memory_detail
    if detail is None:
        raise ReportRejected("the device's report lacks the memory figures", device=job.device.info.name)
    return detail


def measure_profile(job: Job, deployed: DeployedArtifact, artifact: Artifact, plan: Plan) -> Profile:
    """Run one process that times each operator.

    Raises:
        RunnerFailed, ReportRejected: as `runner.measure_process` does.
    """
    if job.device.info.clock == "emulated":
        return no_profile("a translator's times tell nothing of operators")
    options = ("--profile-iterations", str(PROFILED_INFERENCES))
    profiled = _run_briefly(job, deployed, artifact, plan, *options).profile
    if not profiled or any(len(one.times_ns) != PROFILED_INFERENCES for one in profiled):
        raise ReportRejected("the device's report lacks the times of operators", device=job.device.info.name)
    return summarize_profile(profiled)


def no_memory_detail(reason: str) -> MemoryDetail:
    """No figures, for this reason."""
    return MemoryDetail(
        pss_initialized_bytes=None,
        private_dirty_initialized_bytes=None,
        pss_end_bytes=None,
        private_dirty_end_bytes=None,
        unavailable=reason,
    )


def no_profile(reason: str) -> Profile:
    """No operators, for this reason."""
    return Profile(iterations=0, operators=(), unavailable=reason)


def summarize_profile(profiled: Sequence[ProfiledOperator]) -> Profile:
    """Mean times of operators, without their slowest tenth, and their shares."""
    means = [_typical(operator.times_ns) for operator in profiled]
    names = [clean(operator.name) for operator in profiled]
    whole = sum(means) or 1.0
    operators = (
        OperatorTime(name=name, kind=kind, mean_ns=mean, share=min(1.0, mean / whole))
        for name, kind, mean in zip(names, operator_kinds(names), means, strict=True)
    )
    return Profile(iterations=len(profiled[0].times_ns), operators=tuple(operators))


def operator_kinds(names: Sequence[str]) -> list[OperatorKind]:
    """What XNNPACK's operators are in a MobileNet, by their names and their places.

    A 1x1 convolution runs as `Fully Connected`, and so does the classifier, which is the last one.
    """
    kinds = [_kind(name) for name in names]
    if "first convolution" not in kinds and "pointwise" in kinds:
        kinds[kinds.index("pointwise")] = "first convolution"
    connected = [index for index, name in enumerate(names) if name.startswith("Fully Connected")]
    if connected:
        kinds[connected[-1]] = "classifier"
    return kinds


def _kind(name: str) -> OperatorKind:
    if "DWConv" in name:
        return "depthwise"
    if name.startswith("Convolution"):
        return "first convolution" if "IGEMM" in name else "pointwise"
    return "pointwise" if name.startswith("Fully Connected") else "other"


def _typical(times_ns: Sequence[int]) -> float:
    kept = sorted(times_ns)[: math.ceil(KEPT_SHARE * len(times_ns))]
    return sum(kept) / len(kept)


def _run_briefly(
    job: Job, deployed: DeployedArtifact, artifact: Artifact, plan: Plan, *options: str
) -> RunnerReport:
    brief = msgspec.structs.replace(plan, min_iterations=1, min_seconds=0.0, counted_iterations=0)
    argv = (*runner_argv(job.device, job.bundle, deployed, brief), *options)
    exit_code = job.run(argv, timeout_s=timeout_for(job.device, brief))
    report = fetch_report(job, exit_code, artifact, brief)
    job.remove()
    return report
