"""Input of github-action-benchmark with `tool: customSmallerIsBetter`: accuracy becomes its error."""

from collections.abc import Sequence

import msgspec

from harness.records import Cell, Run
from harness.system.text import printable
from reports.exports.measures import Measure, measures_of, name_cells


def encode(run: Run, cells: Sequence[Cell]) -> bytes:
    """One entry for each figure of each cell; `extra` has the verdict and the digest of the file."""
    entries = [
        _entry(name, _smaller_is_better(measure), cell)
        for name, cell in name_cells(cells)
        for measure in measures_of(cell)
    ]
    return msgspec.json.format(msgspec.json.encode(entries), indent=2) + b"\n"


def _smaller_is_better(measure: Measure) -> Measure:
    if not measure.more_is_better:
        return measure
    low = None if measure.high is None else 100 - measure.high
    high = None if measure.low is None else 100 - measure.low
    return Measure(measure.name.replace("accuracy", "error"), "percent", 100 - measure.value, low, high)


def _entry(cell_name: str, measure: Measure, cell: Cell) -> dict[str, str | float]:
    entry: dict[str, str | float] = {
        "name": f"{cell_name} {measure.name}",
        "unit": measure.unit,
        "value": measure.value,
        "extra": f"{_verdict(cell)}; file {cell.artifact.sha256[:12]}",
    }
    if measure.low is not None and measure.high is not None:
        entry["range"] = f"{measure.low:.10g} to {measure.high:.10g}"
    return entry


def _verdict(cell: Cell) -> str:
    codes = ", ".join(reason.code for reason in cell.verdict.reasons if reason.severity != "info")
    return cell.verdict.status + (f": {printable(codes)}" if codes else "")
