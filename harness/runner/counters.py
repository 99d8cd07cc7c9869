"""Figures of the processor's counters: typical ones of a process, and why others are missing."""

import statistics

from harness.records import RunnerReport

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
