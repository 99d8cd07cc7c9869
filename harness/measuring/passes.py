"""Separate processes for what would distort times: memory from smaps_rollup, and time per operator."""

import math
import re
from collections.abc import Sequence

import msgspec

from harness.devices.device import Device
from harness.devices.kinds import KINDS
from harness.errors import ReportRejected
from harness.records import (
    Artifact,
    MemoryDetail,
    OperatorKind,
    OperatorTime,
    Plan,
    Profile,
    ProfiledOperator,
)
from harness.runner.command_line import runner_argv
from harness.runner.deploy import COMMAND_TIMEOUT_S, DeployedArtifact
from harness.runner.job import Job
from harness.runner.report import fetch_report
from harness.runner.start import run_beside
from harness.runner.time_limits import timeout_for
from harness.system.text import excerpt
from harness.transports.verified import run_verified

PROFILED_INFERENCES = 30
# The slowest of them were held up by something else. Not the median: XNNPACK reports whole microseconds.
KEPT_SHARE = 0.9
# dumpsys takes some tenths of a second, and the process must still run.
MEMINFO_SECONDS = 2.0

_TOTAL_PSS = re.compile(r"^ *TOTAL(?: PSS)?: +([0-9]{1,10})(?= )(?=.*SWAP)", re.MULTILINE)


def measure_memory(job: Job, deployed: DeployedArtifact, artifact: Artifact, plan: Plan) -> MemoryDetail:
    """Run one process that reads its memory after loading and at its end.

    Raises:
        RunnerFailed, ReportRejected: as `runner.measure_process` does.
    """
    expects_dumpsys = KINDS[job.device.info.kind].has_dumpsys
    has_dumpsys = expects_dumpsys and _has_dumpsys(job.device)
    seconds = min(MEMINFO_SECONDS, plan.max_seconds) if has_dumpsys else 0.0
    brief = _briefly(msgspec.structs.replace(plan, warmup_iterations=0, min_seconds=seconds))
    argv = (*runner_argv(job.device, job.bundle, deployed, brief), "--memory-detail")
    exit_code = job.run(argv, timeout_s=timeout_for(job.device, brief), beside="memory")
    report = fetch_report(job, exit_code, artifact, brief).memory_detail
    if report is None:
        raise ReportRejected("the device's report lacks the memory figures", device=job.device.info.name)
    detail = msgspec.convert(report, MemoryDetail, from_attributes=True)
    if has_dumpsys:
        try:
            answer = parse_meminfo(job.fetch("meminfo"))
        except ReportRejected:
            answer = None
        reason = None if answer is not None else "dumpsys meminfo reported no TOTAL PSS of the process"
        detail = msgspec.structs.replace(detail, dumpsys_pss_bytes=answer, dumpsys_unavailable=reason)
    elif expects_dumpsys:
        detail = msgspec.structs.replace(detail, dumpsys_unavailable="the device has no dumpsys")
    return detail


def _has_dumpsys(device: Device) -> bool:
    """Every Android has it, other systems with an adbd do not: there the process need not keep running."""
    argv = ("sh", "-c", "command -v dumpsys")
    return run_verified(device.transport, argv, timeout_s=COMMAND_TIMEOUT_S).exit_code == 0


def parse_meminfo(content: bytes) -> int | None:
    """TOTAL PSS in bytes from the output of `dumpsys meminfo PID`; None where it is missing.

    Up to Android 10 it is called TOTAL.
    """
    text = content.decode("utf-8", "replace")
    totals = _TOTAL_PSS.findall(text)
    if text.count("** MEMINFO in pid ") != 1 or len(totals) != 1:
        return None
    # No process has a size of 0.
    return 1024 * int(totals[0]) or None


def measure_profile(job: Job, deployed: DeployedArtifact, artifact: Artifact, plan: Plan) -> Profile:
    """Run one process that times each operator.

    Raises:
        RunnerFailed, ReportRejected: as `runner.measure_process` does.
    """
    if job.device.info.clock == "emulated":
        return no_profile("times under an emulator are not meaningful per operator")
    brief = _briefly(msgspec.structs.replace(plan, min_seconds=0.0))
    options = ("--profile-iterations", str(PROFILED_INFERENCES))
    argv = (*runner_argv(job.device, job.bundle, deployed, brief), *options)
    exit_code, began = run_beside(job, argv, timeout_s=timeout_for(job.device, brief))
    profiled = fetch_report(job, exit_code, artifact, brief).profile
    if not profiled or any(len(one.times_ns) != PROFILED_INFERENCES for one in profiled):
        raise ReportRejected("the device's report lacks the times of operators", device=job.device.info.name)
    profile = summarize_profile(profiled, own_program=artifact.variant.is_own_program)
    return msgspec.structs.replace(profile, began=began)


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


def summarize_profile(profiled: Sequence[ProfiledOperator], *, own_program: bool = False) -> Profile:
    """Mean times of operators, without their slowest tenth, and their shares.

    What those of an own program are in its network is not known.
    """
    means = [_typical(operator.times_ns) for operator in profiled]
    names = [excerpt(operator.name) for operator in profiled]
    whole = sum(means) or 1.0
    kinds: list[OperatorKind] = ["other"] * len(names) if own_program else operator_kinds(names)
    operators = (
        OperatorTime(name=name, kind=kind, mean_ns=mean, share=min(1.0, mean / whole))
        for name, kind, mean in zip(names, kinds, means, strict=True)
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


def _briefly(plan: Plan) -> Plan:
    return msgspec.structs.replace(plan, min_iterations=1, counted_iterations=0)
