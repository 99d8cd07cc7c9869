"""Figures of the processor's counters: typical ones of a process, and why others are missing."""

import statistics
from dataclasses import dataclass

from harness.errors import ReportRejected
from harness.records import Plan, RunnerReport

STOOD_STILL = "the counter stood still"


def typical_count(counts: tuple[int, ...] | None) -> int | None:
    """The median that is one of the counts; None when nothing was counted."""
    return statistics.median_low(counts) if counts else None


def moving_count(counts: tuple[int, ...] | None) -> int | None:
    """The same of what no inference takes none of: virtual machines may offer counters that stand still."""
    return typical_count(counts) or None


def missing_counters(report: RunnerReport, by_launcher: tuple[int, ...] | None) -> str | None:
    """Why counters are missing; not those of instructions that the launcher has counted."""
    reasons = (report.counters_unavailable or "").split("; ")
    kept = [one for one in reasons if one and not (by_launcher and one.startswith("instructions:"))]
    instructions = by_launcher or report.counted_instructions
    for name, counts in (("instructions", instructions), ("cycles", report.counted_cycles)):
        if counts and moving_count(counts) is None:
            kept.append(f"{name}: {STOOD_STILL}")
    return "; ".join(kept) or None


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
