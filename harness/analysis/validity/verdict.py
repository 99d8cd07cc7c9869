"""Whether a cell's figures may be relied on, with every reason against it."""

from collections.abc import Sequence
from types import ModuleType

from harness.analysis.validity import (
    energy_checks,
    environment_checks,
    result_checks,
    sample_checks,
    sustained_checks,
    temperature_checks,
)
from harness.analysis.validity.check import Check
from harness.analysis.validity.evidence import Evidence
from harness.records import (
    Artifact,
    Cell,
    DeviceInfo,
    Failure,
    Latency,
    Pace,
    Parity,
    Plan,
    ProcessReport,
    Reason,
    Severity,
    Status,
    Verdict,
)

# A file with more checks needs its module in this line and nothing else.
MODULES = (
    result_checks,
    sample_checks,
    environment_checks,
    temperature_checks,
    sustained_checks,
    energy_checks,
)
CHECKS = tuple(one for module in MODULES for one in vars(module).values() if isinstance(one, Check))
GRAVEST_FIRST: tuple[Severity, ...] = ("invalid", "suspect", "info")


def judge(
    *,
    device: DeviceInfo,
    artifact: Artifact,
    plan: Plan,
    processes: tuple[ProcessReport, ...],
    latency: Latency | None,
    pace: Pace | None,
    parity: Parity | None,
    failure: Failure | None,
) -> Verdict:
    """Apply every check. The gravest reason decides and comes first; info alone leaves a cell valid."""
    evidence = Evidence(
        device=device,
        artifact=artifact,
        plan=plan,
        # Not by `started_at`: this machine's clock may be set while it measures.
        processes=tuple(sorted(processes, key=lambda process: process.round)),
        latency=latency,
        pace=pace,
        parity=parity,
        failure=failure,
    )
    found = [reason for check in CHECKS if (reason := check.reason(evidence)) is not None]
    return _verdict_of(found)


def find_check(code: str) -> Check | None:
    """The check that finds this reason; None for one of a newer harness."""
    return next((check for check in CHECKS if check.code == code), None)


def judge_sustained(cell: Cell) -> Verdict:
    """The cell's verdict with the reasons of its sustained run, which is measured last."""
    return _judge_more(cell, sustained_checks)


def judge_energy(cell: Cell) -> Verdict:
    """The cell's verdict with the reasons of its energy, which is measured after its latency."""
    return _judge_more(cell, energy_checks)


def _judge_more(cell: Cell, module: ModuleType) -> Verdict:
    evidence = Evidence(
        device=cell.device,
        artifact=cell.artifact,
        plan=cell.plan,
        processes=cell.processes,
        latency=cell.latency,
        pace=cell.pace,
        parity=cell.parity,
        failure=cell.failure,
        sustained=cell.sustained,
        energy=cell.energy,
    )
    checks = [one for one in vars(module).values() if isinstance(one, Check)]
    found = [reason for check in checks if (reason := check.reason(evidence)) is not None]
    return _verdict_of([*cell.verdict.reasons, *found])


def _verdict_of(found: Sequence[Reason]) -> Verdict:
    reasons = tuple(sorted(found, key=lambda reason: GRAVEST_FIRST.index(reason.severity)))
    return Verdict(status=_status(reasons), reasons=reasons)


def _status(reasons: Sequence[Reason]) -> Status:
    gravest = reasons[0].severity if reasons else "info"
    return "valid" if gravest == "info" else gravest
