"""Horizontal bars, one a row, of parts side by side: memory or start-up by phase, time by operator."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from reports.numbers import significant
from reports.style import INK

Part = tuple[str, str, Sequence[float]]


def draw_stacked(
    axes: Axes,
    rows: Sequence[str],
    parts: Sequence[Part],
    *,
    unit: str,
    ends: Sequence[float] | None = None,
    further_entries: int = 0,
) -> None:
    """Each part has a label, a colour and its size in every row; the sum is written behind a row's bar.

    `ends` are where texts stand if something reaches further than the bars. The legend has as many columns
    as there are parts and `further_entries`, which the caller has drawn.
    """
    heights = range(len(rows))
    sums = [0.0] * len(rows)
    for label, colour, sizes in parts:
        axes.barh(heights, sizes, left=sums, color=colour, height=0.68, label=label)
        sums = [start + size for start, size in zip(sums, sizes, strict=True)]
    reached = [max(pair) for pair in zip(sums, ends or sums, strict=True)]
    widest = max(reached)
    for height, end, total in zip(heights, reached, sums, strict=True):
        axes.text(end + widest * 0.008, height, significant(total), va="center", size=9, color=INK)
    axes.set_yticks(list(heights), rows)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, widest * 1.08 or 1.0)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(unit)
    axes.legend(
        loc="lower right",
        frameon=False,
        ncols=len(parts) + further_entries,
        bbox_to_anchor=(1, 1),
        borderaxespad=0.2,
    )
