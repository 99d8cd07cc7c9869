"""Checks of a sustained run: they are about its figures, and leave those of the cell's other processes.

Thresholds are the constants at the top; docs/verdicts.md gives the source of each.
"""

from harness.analysis.quantities import milliseconds
from harness.analysis.validity.check import check
from harness.analysis.validity.evidence import Evidence

# Such a quarter again would cost as much again: the plateau is then too low by about that.
STILL_FALLING = 0.02


@check(
    "suspect",
    affects="uncertainty",
    threshold=f"a last quarter that becomes {STILL_FALLING:.0%} slower",
    fix="run longer: --sustain 20m",
)
def still_falling(evidence: Evidence) -> str | None:
    """The last quarter of the sustained run was no plateau: inferences still became slower."""
    figures = evidence.sustained and evidence.sustained.figures
    change = figures.last_quarter_change if figures else None
    if not evidence.sustained or not figures or change is None or change < STILL_FALLING:
        return None
    return (
        f"inferences became {change:.1%} slower within the last quarter of {evidence.sustained.seconds} s:"
        f" in a longer run the plateau is slower than {milliseconds(figures.plateau_ns.estimate)}"
    )


@check(
    "suspect",
    affects="uncertainty",
    threshold="warmer than the gate after waiting",
    fix="cool the device, wait longer (--max-cooling), or name its own limit (--max-temp)",
)
def sustained_began_warm(evidence: Evidence) -> str | None:
    """The device did not cool down to the gate: what the first seconds show is not a cool device."""
    run = evidence.sustained and evidence.sustained.run
    if not run or run.began_celsius is None or run.max_temp_celsius is None:
        return None
    if run.began_celsius <= run.max_temp_celsius:
        return None
    return (
        f"the sustained run began at {run.began_celsius:.1f} °C, above {run.max_temp_celsius:g} °C, after"
        f" {run.cooled_seconds or 0:g} s of cooling"
    )


@check(
    "info",
    affects="setup",
    threshold="a sustained run without figures",
    fix="find why in the reason, then run it again: harness run --sustain",
)
def sustained_unavailable(evidence: Evidence) -> str | None:
    """A sustained run was asked for, and has no figures."""
    sustained = evidence.sustained
    return f"no sustained figures: {sustained.unavailable}" if sustained and sustained.unavailable else None
