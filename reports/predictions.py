"""What nobody measured, as a report shows it on request: apart from the cells, and called predicted."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis.cell_text import placement
from harness.analysis.network_cost import macs_of
from harness.analysis.predicted_figures import FIGURES, FigureName
from harness.analysis.prediction import CONFIDENCE, Grid, Prediction, predict_grids
from harness.analysis.published import published_accuracy
from harness.errors import UsageError
from harness.records import Cell, Interval
from harness.system.text import printable
from reports.figures import Estimate, short_name

_TEXTS = {figure.name: figure.text for figure in FIGURES}
HINT = (
    f"Predicted from the cells of the same device, precision and placement, with {CONFIDENCE:.0%} intervals;"
    " not measured, in no answer, ladder or frontier. Accuracy is the one published for the shape."
    " harness predict shows how well the measured cells are predicted."
)


@dataclass(frozen=True)
class Predicted:
    """A variant that was not measured: `cost` is on the section's scale, `top1` a published fraction of one.

    `texts` are cost, peak memory, file size and accuracy; None where that cannot be predicted.
    """

    name: str
    precision: str
    placement: str
    macs: int
    cost: Estimate
    top1: float | None
    texts: tuple[str | None, str | None, str | None, str | None]


def predict_rest(cells: Sequence[Cell]) -> tuple[Predicted, ...]:
    """The variants of one device whose cost can be predicted, smallest network first."""
    try:
        grids = predict_grids(cells)
    except UsageError:  # no cell can be used
        return ()
    found = [_describe(grid, one) for grid in grids for one in grid.predictions]
    return tuple(sorted((one for one in found if one), key=lambda one: (one.macs, one.cost.value)))


def _describe(grid: Grid, prediction: Prediction) -> Predicted | None:
    figure: FigureName = "instructions" if grid.device.emulated else "latency"
    cost = prediction.figures.get(figure)
    if cost is None:
        return None
    variant = prediction.variant
    published = published_accuracy(variant)
    precision = printable(variant.precision)
    return Predicted(
        name=f"{short_name(variant)} {precision}",
        precision=precision,
        placement=placement(grid.cells[0]),
        macs=macs_of(variant),
        cost=Estimate(cost.estimate / 1e6, cost.low / 1e6, cost.high / 1e6),
        top1=published.top1 if published else None,
        texts=(
            _text(figure, cost),
            _text("peak memory", prediction.figures.get("peak memory")),
            _text("file size", prediction.figures.get("file size")),
            f"published {published.top1:.1%}" if published else None,
        ),
    )


def _text(name: FigureName, interval: Interval | None) -> str | None:
    """`≈ 12.3 ms (11.2 ms to 13.5 ms)`."""
    if interval is None:
        return None
    text = _TEXTS[name]
    return f"≈ {text(interval.estimate)} ({text(interval.low)} to {text(interval.high)})"
