"""A section's plots, drawn and saved as SVG and PNG."""

import io
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg

from harness.system.files import atomic_file, write_atomically
from reports import style
from reports.plots import PLOTS
from reports.sections import Section
from reports.style import Omitted, Plot

PNG_DPI = 180


@dataclass(frozen=True)
class Picture:
    """A plot as the pages show it: `inline_svg` in HTML, the files beside the page elsewhere."""

    title: str
    inline_svg: str
    svg_name: str
    png_name: str


def draw_pictures(section: Section, folder: Path) -> tuple[Picture | Omitted, ...]:
    """Draw each plot of the section into the folder; a plot that cannot be drawn has the reason."""
    with matplotlib.rc_context(style.RC), warnings.catch_warnings():
        # A device's name may contain letters that the font lacks; the page shows the name in full.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        drawn = [draw(section) for draw in PLOTS]
        return tuple(plot if isinstance(plot, Omitted) else _save(plot, section, folder) for plot in drawn)


def _save(plot: Plot, section: Section, folder: Path) -> Picture:
    name = f"{section.slug}-{plot.name}"
    FigureCanvasAgg(plot.figure)
    with atomic_file(folder / f"{name}.png") as temporary:
        plot.figure.savefig(temporary, format="png", dpi=PNG_DPI)
    # The salt makes ids, and so the file, the same each time the same picture is drawn.
    with matplotlib.rc_context({"svg.hashsalt": name}):
        buffer = io.StringIO()
        plot.figure.savefig(buffer, format="svg", dpi=PNG_DPI, metadata={"Date": None, "Title": plot.title})
    svg = buffer.getvalue()
    write_atomically(folder / f"{name}.svg", svg)
    return Picture(plot.title, inline(svg, name), f"{name}.svg", f"{name}.png")


def inline(svg: str, prefix: str) -> str:
    """The SVG element for an HTML page: with unique ids, and the page's colours for ink and paper."""
    element = svg[svg.index("<svg") :]
    element = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", element)
    element = re.sub(r'(<svg [^>]*?) ?width="[^"]*"', r'\1 role="img"', element, count=1)
    element = re.sub(r'(<svg [^>]*?) ?height="[^"]*"', r"\1", element, count=1)
    for colour, variable in (
        (style.INK, "ink"),
        (style.MUTED, "muted"),
        (style.HAIRLINE, "hairline"),
        (style.PAPER, "paper"),
    ):
        element = element.replace(colour, f"var(--{variable})")
    return element
