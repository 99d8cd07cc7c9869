"""Checks of energy: they are about its figures, and leave those of the cell's other processes.

Thresholds are the constants at the top; docs/verdicts.md gives the source of each.
"""

from harness.analysis.interval_text import describe_width
from harness.analysis.quantities import millijoules
from harness.analysis.validity.check import check
from harness.analysis.validity.evidence import Evidence

# What is subtracted is the mean of both idle windows: it is wrong by up to half their difference.
IDLE_CHANGE = 0.10
# An interval of this share of the figure, each way, ranks few variants.
WIDE_SHARE = 0.10


@check(
    "suspect",
    affects="uncertainty",
    threshold=f"idle windows that differ by {IDLE_CHANGE:.0%} of the power of inference",
    fix="stop what else runs, let the device rest longer, and keep its display in one state",
)
def idle_power_changed(evidence: Evidence) -> str | None:
    """The idle device took another power after the load than before it."""
    figures = evidence.energy and evidence.energy.figures
    if not figures:
        return None
    before, after = figures.idle_before_watts, figures.idle_after_watts
    net = figures.mean_watts - (before + after) / 2
    if abs(after - before) <= IDLE_CHANGE * net:
        return None
    return (
        f"the idle device took {before:.3g} W before and {after:.3g} W after, which differs by"
        f" {abs(after - before) / net:.0%} of the {net:.3g} W that inference takes"
    )


@check(
    "suspect",
    affects="uncertainty",
    threshold=f"an interval of more than ±{WIDE_SHARE:.0%}",
    fix="stop what else runs, or use a better meter",
)
def energy_uncertain(evidence: Evidence) -> str | None:
    """The sensor's readings vary too much for the window."""
    figures = evidence.energy and evidence.energy.figures
    if not figures or figures.net_joules.relative_half_width <= WIDE_SHARE:
        return None
    width = describe_width(figures.net_joules, millijoules)
    return f"the interval of the energy is {width}: the sensor's readings vary too much"


@check(
    "info",
    affects="setup",
    threshold="energy without a figure",
    fix="read the reason; a meter can be read with --power-command",
)
def energy_unavailable(evidence: Evidence) -> str | None:
    """Energy was asked for, and there is no figure."""
    energy = evidence.energy
    return f"no energy figure: {energy.unavailable}" if energy and energy.unavailable else None
