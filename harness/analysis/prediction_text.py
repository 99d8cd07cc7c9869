"""How well a grid is predicted, and what would predict more of it, as text for the terminal."""

import shlex
from collections.abc import Iterable

from harness.analysis.cell_text import placement
from harness.analysis.commands import Words
from harness.analysis.conformal import cells_needed
from harness.analysis.next_run import lists_to_add, run_command
from harness.analysis.placements import shape_of
from harness.analysis.prediction import Fit, Grid
from harness.records.requests import exact_rate
from harness.system.text import printable
from models.layers import BLOCKS, STEM_CHANNELS, thin_channels

# Kernels compute this many channels at once; a last tile that is not full costs as much as a full one.
TILE = 8
METHOD = (
    "predicted, not measured: a sum of multiply-accumulates and moved values of each kind of layer (of memory"
    " and file size: weights and activations), fitted by non-negative least squares. About {confidence:.0%}"
    " of measurements lie inside the intervals, and at least {guaranteed:.0%} whatever the distribution of"
    " errors, as long as a variant errs like the measured ones (jackknife+: Barber et al., Annals of"
    " Statistics 49, 2021)."
)


def describe_method(confidence: float) -> str:
    """What a prediction and its interval are."""
    return "≈ " + METHOD.format(confidence=confidence, guaranteed=max(0.0, 2 * confidence - 1))


def title(grid: Grid) -> str:
    """`pixel: Pixel 6, int8, 2 threads on big cores (4-7)`."""
    where = f"{printable(grid.machine)}: {printable(grid.device.model)}"
    return f"{where}, {printable(grid.placement.precision)}, {placement(grid.cells[0])}"


def explain_fits(grid: Grid) -> list[str]:
    """A line for each figure that cells have, and the command that would let more be predicted."""
    if not grid.predictions:
        return ["every variant of the grid is measured"]
    cost = cost_fit(grid)
    lines = [_describe(fit) for fit in grid.fits if fit.unavailable is None]
    lines += _unavailable(fit for fit in grid.fits if fit.cells or fit is cost)
    if (rate_hz := grid.placement.rate_hz) is not None:
        lines.append(
            f"not predicted: p99 and missed periods: only a measurement shows whether a variant keeps"
            f" {exact_rate(rate_hz)}/s"
        )
    if cost.unavailable:
        lines.append(f"to measure more of the grid: {shlex.join(command_for_more(grid))}")
    elif outside := sum(one.outside_range for one in grid.predictions):
        count = "1 variant is" if outside == 1 else f"{outside} variants are"
        command = shlex.join(command_for_more(grid))
        lines.append(f"{count} outside the measured range; to measure the grid's corners: {command}")
    return [*lines, *_caution_of_tiles(grid)]


def _caution_of_tiles(grid: Grid) -> list[str]:
    """A line for widths whose layers have a kind of cost that no measured one has."""
    if not all(_fills_tiles(shape_of(cell.variant)[0]) for cell in grid.cells):
        return []
    predicted = {shape_of(one.variant)[0] for one in grid.predictions if one.figures}
    widths = [f"{width:g}" for width in sorted(predicted) if not _fills_tiles(width)]
    if not widths:
        return []
    of = f"width {widths[0]}" if len(widths) == 1 else f"widths {', '.join(widths)}"
    return [
        f"caution: {of}: not all channels are multiples of {TILE}, as those of every measured width are;"
        " kernels work in such tiles, so that the figures may lie above their intervals"
    ]


def _fills_tiles(width: float) -> bool:
    full = (STEM_CHANNELS, *(channels for channels, _ in BLOCKS))
    return all(thin_channels(channels, width) % TILE == 0 for channels in full)


def cost_fit(grid: Grid) -> Fit:
    """How latency is predicted, or instructions where the clock is not real."""
    name = "instructions" if grid.device.emulated else "latency"
    return next(fit for fit in grid.fits if fit.figure == name)


def command_for_more(grid: Grid) -> Words:
    """The smallest `harness run` with which enough cells span the whole grid."""
    measured = {shape_of(cell.variant) for cell in grid.cells}
    missing = max(1, cells_needed(grid.confidence) - cost_fit(grid).cells)
    lists = lists_to_add(measured, *grid.lists, missing)
    return run_command(grid.device.name, grid.placement, *lists)


def _describe(fit: Fit) -> str:
    return (
        f"{fit.figure}: fitted to {fit.cells} cells; each of them, when left out, is predicted within"
        f" {fit.median_error or 0:.1%} (median), {fit.largest_error or 0:.1%} (largest)"
    )


def _unavailable(fits: Iterable[Fit]) -> list[str]:
    """One line for all figures that lack a prediction for the same reason."""
    by_reason: dict[str, list[str]] = {}
    for fit in fits:
        if fit.unavailable is not None:
            by_reason.setdefault(fit.unavailable, []).append(fit.figure)
    return [f"not predicted: {', '.join(figures)}: {reason}" for reason, figures in by_reason.items()]
