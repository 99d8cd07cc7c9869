"""A section's plots for talks, drawn and saved as PNG of 1920 by 1080."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.system.files import atomic_file
from reports.sections import Section

if TYPE_CHECKING:
    from reports.style import Plot


@dataclass(frozen=True)
class Picture:
    """A plot's file beside the page; `title` states the main result."""

    title: str
    name: str


def draw_pictures(section: Section, folder: Path) -> tuple[Picture, ...]:
    """Draw each plot of the section that its cells suffice for into the folder.

    One cell compares nothing; but what it did over minutes is a picture of it alone.
    """
    alone = len(section.measured) < 2
    if alone and not any(cell.sustained for cell in section.measured):
        return ()
    # matplotlib takes most of a second, and the page does not need it.
    import matplotlib

    from reports import style
    from reports.plots import OF_ONE_CELL, PLOTS
    from reports.style import Plot

    with matplotlib.rc_context(style.RC), warnings.catch_warnings():
        # A device's name may contain letters that the font lacks; the page shows the name in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        drawn = (draw(section) for draw in (OF_ONE_CELL if alone else PLOTS))
        return tuple(_save(plot, section, folder) for plot in drawn if isinstance(plot, Plot))


def _save(plot: "Plot", section: Section, folder: Path) -> Picture:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from reports.style import PNG_DPI

    name = f"{section.slug}-{plot.name}.png"
    FigureCanvasAgg(plot.figure)
    with atomic_file(folder / name) as temporary:
        # Level 6, the default, takes twice the time for files 1 to 2 % smaller.
        plot.figure.savefig(temporary, format="png", dpi=PNG_DPI, pil_kwargs={"compress_level": 4})
    return Picture(plot.title, name)
