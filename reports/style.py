"""The look of all plots: one typeface, the Okabe-Ito palette, the main result as title, a footnote."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from harness.analysis.precisions import style_of
from harness.analysis.runtimes import runtime_marker
from harness.records import EXECUTORCH

# Okabe & Ito, "Color Universal Design", 2008; without its yellow, which vanishes on white, and its purple.
BLUE, VERMILLION, GREEN, ORANGE, SKY = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#e69f00",
    "#56b4e9",
)
# For lines of several kinds; those of a precision have its own colour.
PALETTE = (BLUE, VERMILLION, GREEN, ORANGE, SKY)
# For parts of a whole, in the order of the page's classes `part-0` and on.
PARTS = (SKY, ORANGE, BLUE, GREEN)
MARKERS = ("o", "s", "^", "D", "v", "P")

INK, MUTED, HAIRLINE, PAPER = "#1f2328", "#656d76", "#dfe3e8", "#ffffff"

# Any: matplotlib types the keys as a literal of all its settings.
RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    # A device may be called `$\\x$`: text is text.
    "text.parse_math": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.linewidth": 0.8,
    "grid.color": HAIRLINE,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "errorbar.capsize": 2.5,
    "path.simplify": True,
}

# 1920 by 1080 pixels: a slide.
WIDTH_IN, HEIGHT_IN, PNG_DPI = 9.6, 5.4, 200
# Rows of cells that a slide has room for.
MOST_ROWS = 18
_LINE_IN = 0.155
_FOOT_COLUMNS = 165
_TITLE_COLUMNS = 80


@dataclass(frozen=True)
class Plot:
    """A finished plot; `title` states the main result."""

    name: str
    title: str
    figure: Figure


@dataclass(frozen=True)
class Omitted:
    """A plot that cannot be drawn, and the reason."""

    name: str
    title: str
    why: str


def colour_of(precision: str) -> str:
    """The precision's colour, the same in every plot."""
    return style_of(precision).colour


def marker_of(precision: str, runtime: str = EXECUTORCH) -> str:
    """The precision's marker, so that colour is never the only difference; other runtimes have their own."""
    return style_of(precision).marker if runtime == EXECUTORCH else runtime_marker(runtime)


def compose(
    name: str,
    title: str,
    provenance: str,
    *,
    rows: int = 1,
    columns: int = 1,
    left_in: float = 0.8,
    right_in: float = 0.75,
    gap_in: float = 0.5,
    share_y: bool = True,
    panel_titles: bool = False,
) -> tuple[Plot, list[list[Axes]]]:
    """A slide with its title and footnote in place, and its empty panels.

    Margins are in inches, so that all plots look alike.
    """
    headline = textwrap.wrap(title, _TITLE_COLUMNS)
    footnote = textwrap.wrap(provenance, _FOOT_COLUMNS)
    top_in = 0.32 + 0.26 * len(headline) + (0.26 if panel_titles else 0)
    bottom_in = 0.72 + _LINE_IN * len(footnote)
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN))
    axes = figure.subplots(rows, columns, squeeze=False, sharey=share_y, sharex=True)
    panel_width = (WIDTH_IN - left_in - right_in - (columns - 1) * right_in) / columns
    panel_height = (HEIGHT_IN - top_in - bottom_in - (rows - 1) * gap_in) / rows
    figure.subplots_adjust(
        left=left_in / WIDTH_IN,
        right=1 - right_in / WIDTH_IN,
        top=1 - top_in / HEIGHT_IN,
        bottom=bottom_in / HEIGHT_IN,
        wspace=right_in / panel_width,
        hspace=gap_in / panel_height,
    )
    margin = 0.16 / WIDTH_IN
    top, bottom = 1 - 0.16 / HEIGHT_IN, 0.12 / HEIGHT_IN
    figure.text(margin, top, "\n".join(headline), size=14, weight="bold", va="top", ha="left")
    figure.text(margin, bottom, "\n".join(footnote), size=7.5, color=MUTED, va="bottom", ha="left")
    return Plot(name, title, figure), [list(row) for row in axes]


def room_for(names: Iterable[str]) -> float:
    """Inches on the left for the names of rows, at most half of the slide."""
    outlines = (TextPath((0, 0), name, size=RC["font.size"]) for name in names)
    widest_pt = max((outline.get_extents().width for outline in outlines), default=0.0)
    return float(min(max(1.6, widest_pt / 72 + 0.25), WIDTH_IN / 2))


def log_axis(axes: Axes, which: str, values: Sequence[float], *, room_low: float = 1.0) -> None:
    """A logarithmic axis labelled 1, 2, 5, 10, … over the values, in plain numbers.

    `room_low` is a factor of more room at the low end, for names beside the first point.
    """
    low, high = min(values), max(values)
    axis, scale, limit = (
        (axes.xaxis, axes.set_xscale, axes.set_xlim)
        if which == "x"
        else (axes.yaxis, axes.set_yscale, axes.set_ylim)
    )
    scale("log")
    margin = max((high / low) ** 0.08, 1.15)
    limit(low / margin / room_low, high * margin)
    # Over less than a factor of four, 1, 2, 5 would leave one tick or none.
    close = high / low < 4
    axis.set_major_locator(MaxNLocator(5) if close else LogLocator(subs=(1.0, 2.0, 5.0), numticks=20))
    axis.set_minor_locator(NullLocator() if close else LogLocator(subs="all", numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.12g}"))
    axis.set_minor_formatter(NullFormatter())


@dataclass(frozen=True)
class LineEnd:
    """The end of a line, and its label."""

    x: float
    y: float
    name: str
    colour: str


def name_lines(axes: Axes, ends: Sequence[LineEnd]) -> None:
    """Label the ends of lines, moved apart where labels would overlap; axis limits must be set before."""
    to_points = 72 / axes.figure.dpi
    heights = [float(axes.transData.transform((end.x, end.y))[1]) * to_points for end in ends]
    for end, height, moved in zip(ends, heights, spread(heights, gap=10.5), strict=True):
        axes.annotate(
            end.name,
            xy=(end.x, end.y),
            xytext=(8, moved - height),
            textcoords="offset points",
            va="center",
            size=8.5,
            color=end.colour,
        )


def apart(values: Sequence[float], gap: float) -> list[float]:
    """The sorted values without those closer than `gap` to the one kept before: for ticks on an axis."""
    kept: list[float] = []
    for value in values:
        if not kept or value - kept[-1] >= gap:
            kept.append(value)
    return kept


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """The heights, each moved up to at least `gap` above the one below: for labels at line ends."""
    moved = list(heights)
    order = np.argsort(heights, kind="stable")
    for below, above in pairwise(order):
        moved[above] = max(moved[above], moved[below] + gap)
    return moved


def mark_suspect(axes: Axes, x: float, y: float) -> None:
    """A cross over the point."""
    axes.plot([x], [y], marker="x", color=INK, markersize=7, markeredgewidth=1.2, linestyle="none", zorder=6)
