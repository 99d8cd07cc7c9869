"""Cost against the input resolution, one line per width."""

from reports.figures import width_text
from reports.plots.panels import draw_lines, ratios
from reports.sections import Point, Section
from reports.style import Omitted, Plot

NAME = "cost_by_resolution"


def draw(section: Section) -> Plot | Omitted:
    """See the module."""
    return draw_lines(
        section,
        NAME,
        _headline(section),
        along=_resolution,
        along_label="Resolution, px (input side)",
        line=_width,
        line_label=lambda value: f"width {width_text(value)}",
    )


def _headline(section: Section) -> str:
    found = ratios(section.of_network, along=_resolution, line=_width)
    if found is None:
        return f"{section.scale.name.capitalize()} against resolution"
    small, large = (f"{_resolution(point):g} px" for point in (found.small, found.large))
    return f"At width {width_text(_width(found.large))}, {large} costs {found.text} as much as {small}"


def _width(point: Point) -> float:
    return point.shape[0]


def _resolution(point: Point) -> float:
    return point.shape[1]
