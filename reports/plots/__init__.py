"""One file per plot: a function that draws a section's cells, or returns the reason why it cannot."""

from reports.plots import (
    by_macs,
    by_resolution,
    by_width,
    energy,
    memory,
    operators,
    over_time,
    samples,
    startup,
    sustained,
    tradeoff,
)

PLOTS = (
    tradeoff.draw,
    by_width.draw,
    by_resolution.draw,
    by_macs.draw,
    operators.draw,
    memory.draw,
    startup.draw,
    sustained.draw,
    energy.draw,
    samples.draw,
    over_time.draw,
)
# Those that say something of a single cell.
OF_ONE_CELL = (sustained.draw,)
