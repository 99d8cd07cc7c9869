"""Names of a plot's points, above and to the left of each, clear of one another."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from reports.style import MUTED

LABEL_PT = 9.0
CHARACTER_PT = 0.62 * LABEL_PT
OFFSET_PT = (-5.0, 4.0)


def label_points(axes: Axes, points: Sequence[tuple[str, float, float]]) -> None:
    """Name each point `(name, x, y)`.

    A label that would cover another moves up, with a thin line to its point.
    """
    points_per_pixel = 72 / axes.figure.dpi
    placed: list[Bbox] = []
    for name, x, y in points:
        anchor = axes.transData.transform((x, y)) * points_per_pixel
        lift = _free_lift(anchor, len(name) * CHARACTER_PT, placed)
        axes.annotate(
            name,
            xy=(x, y),
            xytext=(OFFSET_PT[0], OFFSET_PT[1] + lift),
            textcoords="offset points",
            ha="right",
            va="bottom",
            size=LABEL_PT,
            arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "shrinkB": 4} if lift else None,
            zorder=5,
        )


def _free_lift(anchor: NDArray[np.float64], width: float, placed: list[Bbox]) -> float:
    """How far, in typographic points, a label must move up to be clear of `placed`, which it is added to."""
    lift = 0.0
    while True:
        right, bottom = anchor[0] + OFFSET_PT[0], anchor[1] + OFFSET_PT[1] + lift
        box = Bbox([[right - width, bottom], [right, bottom + LABEL_PT * 1.15]])
        if not any(box.overlaps(other) for other in placed):
            placed.append(box)
            return lift
        lift += 2.0
