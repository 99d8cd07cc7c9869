"""Whether a cell's figures may be relied on, with every reason that speaks against it."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from harness.analysis.validity import environment_checks, result_checks
from harness.analysis.validity.evidence import Evidence
from harness.records import (
    Artifact,
    DeviceInfo,
    Failure,
    Latency,
    Parity,
    Plan,
    ProcessReport,
    Reason,
    Status,
    Verdict,
)

Severity = Literal["info", "suspect", "invalid"]


class Rule(NamedTuple):
    """A reason's code is its function's name; docs/verdicts.md lists them all."""

    find: Callable[[Evidence], str | None]
    severity: Severity

    @property
    def code(self) -> str:
        """Machine-readable, as it stands in the cell."""
        return self.find.__name__


RULES = (
    Rule(result_checks.failed, "invalid"),
    Rule(result_checks.parity_failed, "invalid"),
    Rule(result_checks.debug_build, "invalid"),
    Rule(result_checks.affinity_violated, "invalid"),
    Rule(result_checks.emulated, "suspect"),
    Rule(result_checks.counts_differ, "suspect"),
    Rule(result_checks.undelegated, "suspect"),
    Rule(result_checks.parity_unchecked, "suspect"),
    Rule(result_checks.threads_exceed_cores, "suspect"),
    Rule(result_checks.too_few_processes, "suspect"),
    Rule(result_checks.interval_too_wide, "suspect"),
    Rule(result_checks.drifted, "suspect"),
    Rule(result_checks.bimodal, "suspect"),
    Rule(result_checks.interrupted, "suspect"),
    Rule(environment_checks.throttled, "suspect"),
    Rule(environment_checks.canary_drift, "suspect"),
    Rule(environment_checks.memory_pressure, "suspect"),
    Rule(environment_checks.busy, "suspect"),
    Rule(result_checks.outliers, "info"),
    Rule(environment_checks.conditions_unreadable, "info"),
)


def judge(
    *,
    device: DeviceInfo,
    artifact: Artifact,
    plan: Plan,
    processes: tuple[ProcessReport, ...],
    latency: Latency | None,
    parity: Parity | None,
    failure: Failure | None,
    canaries_ns: Sequence[int] = (),
) -> Verdict:
    """Apply every rule; the gravest reason decides, information alone leaves a cell valid."""
    evidence = Evidence(
        device=device,
        artifact=artifact,
        plan=plan,
        processes=tuple(sorted(processes, key=lambda process: process.started_at)),
        latency=latency,
        parity=parity,
        failure=failure,
        canaries_ns=tuple(canaries_ns),
    )
    found = [(rule, detail) for rule in RULES if (detail := rule.find(evidence)) is not None]
    severities = {rule.severity for rule, _ in found}
    status: Status = (
        "invalid" if "invalid" in severities else "suspect" if "suspect" in severities else "valid"
    )
    return Verdict(
        status=status, reasons=tuple(Reason(code=rule.code, detail=detail) for rule, detail in found)
    )
