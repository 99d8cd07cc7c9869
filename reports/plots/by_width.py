"""Cost against the width multiplier, one line per resolution."""

from reports.figures import width_text
from reports.plots.panels import draw_lines, ratios
from reports.sections import Point, Section
from reports.style import Omitted, Plot

NAME = "cost_by_width"


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    return draw_lines(
        section,
        NAME,
        _headline(section),
        along=_width,
        along_label="Width multiplier",
        line=_resolution,
        line_label=lambda value: f"{value:g} px",
    )


def _headline(section: Section) -> str:
    found = ratios(section.of_network, along=_width, line=_resolution)
    if found is None:
        return f"{section.scale.name.capitalize()} against width"
    small, large = (width_text(_width(point)) for point in (found.small, found.large))
    return f"At {_resolution(found.large):g} px, width {large} costs {found.text} as much as {small}"


def _width(point: Point) -> float:
    return point.shape[0]


def _resolution(point: Point) -> float:
    return point.shape[1]
