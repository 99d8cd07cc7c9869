"""Checks of the limit of `--max-temp`, which decides how warm the device may be before each process."""

from harness.analysis.temperatures import hottest_celsius
from harness.analysis.validity.check import check
from harness.analysis.validity.evidence import Evidence


@check(
    "suspect",
    affects="time",
    threshold="warmer than --max-temp after waiting",
    fix="wait longer (--max-cooling), or allow more (--max-temp)",
)
def above_max_temp(evidence: Evidence) -> str | None:
    """The device did not cool to the plan's limit in the time allowed, and was measured all the same."""
    plan, limit = evidence.plan, evidence.plan.max_temp_celsius
    if limit is None or evidence.device.clock != "real":
        return None
    hottest = [
        celsius
        for process in evidence.processes
        if process.cooled_seconds is not None and process.cooled_seconds >= plan.max_cooling_seconds
        if (celsius := hottest_celsius(process.conditions_before)) is not None and celsius > limit
    ]
    if not hottest:
        return None
    return (
        f"{len(hottest)} of {len(evidence.processes)} processes began above --max-temp {limit:g} °C, at up to"
        f" {max(hottest):.1f} °C, after {plan.max_cooling_seconds:g} s of cooling"
    )


@check(
    "suspect",
    affects="setup",
    threshold="--max-temp without a temperature that can be read",
    fix="let the device rest before you measure, or measure on one whose temperature can be read",
)
def max_temp_unchecked(evidence: Evidence) -> str | None:
    """The plan limits the temperature at the start, and none could be read."""
    limit = evidence.plan.max_temp_celsius
    if limit is None or evidence.device.clock != "real":
        return None
    unread = sum(hottest_celsius(process.conditions_before) is None for process in evidence.processes)
    if not unread:
        return None
    return (
        f"no temperature could be read before {unread} of {len(evidence.processes)} processes:"
        f" --max-temp {limit:g} °C had no effect"
    )
