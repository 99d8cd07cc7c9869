"""The figures that are predicted: where a cell has each, when it may be used, and what it is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.analysis.network_cost import space_of, work_of
from harness.analysis.quantities import megabytes, millions, milliseconds
from harness.records import Affects, Cell, Variant

FigureName = Literal["latency", "instructions", "peak memory", "file size"]


@dataclass(frozen=True)
class Figure:
    """A figure above 0 of a cell; `features` are the quantities that it is a weighted sum of.

    A suspect cell is used unless one of its reasons affects the figure.
    """

    name: FigureName
    read: Callable[[Cell], float | None]
    features: Callable[[Variant], tuple[float, ...]]
    affected_by: frozenset[Affects]
    text: Callable[[float], str]

    def usable(self, cell: Cell) -> float | None:
        """The cell's figure, or None where it has none that may be relied on."""
        flagged = any(
            reason.severity != "info" and reason.affects in self.affected_by
            for reason in cell.verdict.reasons
        )
        return None if cell.failure or flagged else self.read(cell) or None


def _latency_ns(cell: Cell) -> float | None:
    return None if cell.latency is None or cell.device.emulated else cell.latency.median_ns.estimate


def _instructions(cell: Cell) -> float | None:
    return cell.instructions_per_inference


def _peak_rss_bytes(cell: Cell) -> float | None:
    return cell.memory.peak_rss_bytes if cell.memory else None


def _file_bytes(cell: Cell) -> float:
    return cell.artifact.size_bytes


_RESULT: frozenset[Affects] = frozenset({"result", "setup"})

FIGURES = (
    Figure("latency", _latency_ns, work_of, _RESULT | {"time", "uncertainty"}, milliseconds),
    Figure("instructions", _instructions, work_of, _RESULT | {"instructions"}, millions),
    Figure("peak memory", _peak_rss_bytes, space_of, _RESULT, megabytes),
    Figure("file size", _file_bytes, space_of, _RESULT, megabytes),
)
