"""google/benchmark's JSON: each process is a repetition, then their median.

`cpu_time` is absent, because it is not measured; on emulated devices so is `real_time`. Other figures are
counters, named with their units. An invalid cell is an entry with `error_occurred`.
"""

from collections.abc import Iterator, Sequence

import msgspec

from harness.analysis.process_figures import latency_medians_ns
from harness.records import Cell, Run
from harness.system.text import printable
from reports.exports.measures import measures_of, name_cells

# Of the format; readers refuse others.
JSON_SCHEMA_VERSION = 1

_Value = str | int | float | bool


def encode(run: Run, cells: Sequence[Cell]) -> bytes:
    """The run as `context`, and the entries of all cells as `benchmarks`."""
    named = name_cells(cells)
    document = {
        "context": {
            "date": printable(run.started_at),
            "host_name": printable(run.host),
            "executable": "harness run",
            "library_build_type": "release",
            "json_schema_version": JSON_SCHEMA_VERSION,
            "run_id": printable(run.id),
            **({"git_revision": printable(run.git_revision)} if run.git_revision else {}),
        },
        "benchmarks": [
            entry for index, (name, cell) in enumerate(named) for entry in _entries(index, name, cell)
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _entries(family: int, name: str, cell: Cell) -> Iterator[dict[str, _Value]]:
    common: dict[str, _Value] = {
        "family_index": family,
        "per_family_instance_index": 0,
        "run_name": name,
        "threads": cell.plan.threads,
    }
    if not cell.usable:
        what = cell.failure.what if cell.failure else _codes(cell)
        yield {"name": name, **common, "run_type": "iteration", "error_occurred": True} | {
            "error_message": printable(what)
        }
        return
    medians = [] if cell.device.emulated else latency_medians_ns(cell)
    for repetition, median in enumerate(medians):
        yield {"name": name, **common, "run_type": "iteration", "repetitions": len(medians)} | {
            "repetition_index": repetition,
            "iterations": len(cell.processes[repetition].latencies_ns),
            "real_time": median,
            "time_unit": "ns",
        }
    yield {"name": f"{name}_median", **common, "run_type": "aggregate", "aggregate_name": "median"} | {
        "aggregate_unit": "time",
        "repetitions": len(cell.processes),
        "iterations": len(cell.processes),
        **_median(cell),
        "label": f"{cell.verdict.status}{': ' + _codes(cell) if _codes(cell) else ''}",
    }


def _median(cell: Cell) -> dict[str, _Value]:
    values: dict[str, _Value] = {}
    for one in measures_of(cell):
        if one.name == "latency-median":
            values |= {"real_time": one.value, "time_unit": "ns"}
        else:
            values[f"{one.name}-{one.unit}".replace("-", "_")] = one.value
    return values


def _codes(cell: Cell) -> str:
    return printable(", ".join(one.code for one in cell.verdict.reasons if one.severity != "info"))
