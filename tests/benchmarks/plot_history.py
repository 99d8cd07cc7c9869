"""Draw the ratios of `make bench` over time: `python tests/benchmarks/plot_history.py [HISTORY] [PICTURE]`.

One panel a ratio, its limit as a dashed line, one colour and marker a machine; a hollow mark was measured
at a load above half of the machine's cores. Exit code 1 when there is nothing to draw.
"""

import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from bench_history import HISTORY, Entry, read
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reports import style

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "bench_history.svg"
PANEL_INCHES = (7.0, 1.5)


def main(arguments: Sequence[str]) -> int:
    """Draw the picture and print where it is."""
    history, picture = (*map(Path, arguments), *(HISTORY, PICTURE)[len(arguments) :])
    entries = read(history)
    if not entries:
        print(f"error: {history} has no ratios yet; `make bench` measures some", file=sys.stderr)
        return 1
    # Without a date and with fixed ids the same history gives the same file.
    with matplotlib.rc_context({**style.RC, "svg.hashsalt": "bench_history"}):
        draw(entries).savefig(picture, metadata={"Date": None})
    print(picture)
    return 0


def draw(entries: Sequence[Entry]) -> Figure:
    """One panel a ratio, in the order of their first measurement."""
    titles = list(dict.fromkeys((entry.bench, entry.what) for entry in entries))
    machines = list(dict.fromkeys(entry.machine for entry in entries))
    width, height = PANEL_INCHES
    figure = Figure(figsize=(width, height * len(titles) + 0.5), layout="constrained")
    panels = figure.subplots(len(titles), 1, squeeze=False, sharex=True)[:, 0]
    for panel, title in zip(panels, titles, strict=True):
        draw_panel(panel, [entry for entry in entries if (entry.bench, entry.what) == title], machines)
    panels[-1].set_xlabel("measurement, oldest first; hollow: others kept the machine busy")
    longest = max(Counter((entry.bench, entry.what) for entry in entries).values())
    panels[-1].set_xlim(0.5, longest + 0.5)
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    handles, labels = panels[0].get_legend_handles_labels()
    if len(machines) > 1 and handles:
        figure.legend(handles, labels, loc="outside lower center")
    return figure


def draw_panel(panel: Axes, entries: Sequence[Entry], machines: Sequence[str]) -> None:
    """One ratio's history."""
    newest = entries[-1]
    limit = f"{newest.goal} {newest.limit:g}"
    panel.set_title(f"{newest.bench}: {newest.what}, {newest.ratio:g} ({limit}), {newest.date[:10]}")
    panel.set_ylabel("ratio")
    panel.axhline(newest.limit, color=style.MUTED, linestyle="--", linewidth=1)
    for index, machine in enumerate(machines):
        colour = style.PALETTE[index % len(style.PALETTE)]
        marker = style.MARKERS[index % len(style.MARKERS)]
        placed = [(place, entry) for place, entry in enumerate(entries, 1) if entry.machine == machine]
        panel.plot([], [], color=colour, marker=marker, label=machine)
        panel.plot([place for place, _ in placed], [entry.ratio for _, entry in placed], color=colour)
        for place, entry in placed:
            fill = "none" if was_busy(entry) else "full"
            panel.plot(place, entry.ratio, color=colour, marker=marker, fillstyle=fill)
    panel.margins(y=0.2)


def was_busy(entry: Entry) -> bool:
    """Whether others were using more than half of the machine's cores."""
    cores = re.search(r"(\d+) cores", entry.machine)
    return entry.load_average_1min > (int(cores[1]) if cores else 1) / 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
