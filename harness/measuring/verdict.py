"""Whether a cell's figures may be relied on, with every reason that speaks against it."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from harness.measuring import disturbances, soundness
from harness.measuring.evidence import Evidence
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
    Rule(soundness.failed, "invalid"),
    Rule(soundness.parity_failed, "invalid"),
    Rule(soundness.debug_build, "invalid"),
    Rule(soundness.affinity_violated, "invalid"),
    Rule(soundness.emulated, "suspect"),
    Rule(soundness.counts_differ, "suspect"),
    Rule(soundness.undelegated, "suspect"),
    Rule(soundness.parity_unchecked, "suspect"),
    Rule(soundness.threads_exceed_cores, "suspect"),
    Rule(soundness.too_few_processes, "suspect"),
    Rule(soundness.interval_too_wide, "suspect"),
    Rule(soundness.drifted, "suspect"),
    Rule(soundness.bimodal, "suspect"),
    Rule(soundness.interrupted, "suspect"),
    Rule(disturbances.throttled, "suspect"),
    Rule(disturbances.canary_drift, "suspect"),
    Rule(disturbances.memory_pressure, "suspect"),
    Rule(disturbances.busy, "suspect"),
    Rule(soundness.outliers, "info"),
    Rule(disturbances.conditions_unreadable, "info"),
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
