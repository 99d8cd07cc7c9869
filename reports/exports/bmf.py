"""Bencher Metric Format, for `bencher run --adapter json`; schema at bencher.dev/bmf.json.

A benchmark is a cell; the unit ends the name of each measure, because the format has no other place for it.
"""

from collections.abc import Sequence

import msgspec

from harness.records import Cell, Run
from reports.exports.measures import Measure, measures_of, name_cells


def encode(run: Run, cells: Sequence[Cell]) -> bytes:
    """One object for each cell that has figures, with one object for each of them."""
    document = {
        name: {f"{one.name}-{one.unit}": _metric(one) for one in measures}
        for name, cell in name_cells(cells)
        if (measures := measures_of(cell))
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _metric(measure: Measure) -> dict[str, float]:
    ends = {"lower_value": measure.low, "upper_value": measure.high}
    return {"value": measure.value} | {name: value for name, value in ends.items() if value is not None}
