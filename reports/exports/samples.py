"""Each measured inference as a row of a Parquet file; needs pyarrow, an optional package.

Written process by process: memory holds one cell, however many there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from harness.errors import UsageError
from harness.records import Cell, ProcessReport, Run
from harness.system.text import printable

if TYPE_CHECKING:
    import pyarrow as pa

# What is the same in a whole process: stored once for each.
_TEXTS = (
    *("run_id", "device", "device_model", "cell", "variant", "precision", "padding", "cpus"),
    *("backend_options", "status", "started_at"),
)
_INTEGERS = ("resolution_px", "threads", "process", "round")
_FLOATS = ("width", "rate_hz")


@dataclass(frozen=True)
class Written:
    """How many rows were written, and how many cells were left out for their emulated clock."""

    rows: int
    emulated_cells: int


def write_rows(runs: Iterable[tuple[Run, Iterable[Cell]]], file: BinaryIO) -> Written:
    """Write all samples in the order in which they were taken.

    `phase` is `warm-up` or `steady`; `start_ns`, since the first slot, is null where inferences ran back to
    back. Cells of devices whose clock is not real are left out: their times are not a device's.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(
            "samples are written as Parquet by the package pyarrow, which is not installed",
            hint="pip install 'mobilenet-harness[parquet]'",
        ) from error
    rows = emulated = 0
    with parquet.ParquetWriter(file, _schema()) as writer:
        for run, cells in runs:
            for cell in cells:
                if cell.device.emulated:
                    emulated += 1
                    continue
                for number, process in enumerate(cell.processes):
                    table = _table(run, cell, number, process)
                    writer.write_table(table)
                    rows += table.num_rows
    return Written(rows, emulated)


def _schema() -> "pa.Schema":
    import pyarrow as pa

    text = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [
            *((name, text) for name in _TEXTS),
            *((name, pa.int32()) for name in _INTEGERS),
            *((name, pa.float64()) for name in _FLOATS),
            ("phase", text),
            ("sample", pa.int32()),
            ("start_ns", pa.int64()),
            ("latency_ns", pa.int64()),
        ]
    )


def _table(run: Run, cell: Cell, number: int, process: ProcessReport) -> "pa.Table":
    import pyarrow as pa

    warm_up, steady = process.warmup_ns, process.latencies_ns
    count = len(warm_up) + len(steady)
    schema = _schema()
    constants = _constants(run, cell, number, process)
    columns = [
        pa.array([value], schema.field(name).type).take(pa.array([0] * count, pa.int32()))
        for name, value in constants.items()
    ]
    starts = (process.starts_ns or ())[-count:]
    columns += [
        pa.array(["warm-up"] * len(warm_up) + ["steady"] * len(steady)).dictionary_encode(),
        pa.array(range(count), pa.int32()),
        pa.array([None] * (count - len(starts)) + list(starts), pa.int64()),
        pa.array([*warm_up, *steady], pa.int64()),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _constants(
    run: Run, cell: Cell, number: int, process: ProcessReport
) -> dict[str, str | int | float | None]:
    """By the columns' names, in their order."""
    variant, plan = cell.variant, cell.plan
    values: dict[str, str | int | float | None] = {
        "run_id": run.id,
        "device": cell.device.name,
        "device_model": cell.device.model,
        "cell": cell.name,
        "variant": variant.name,
        "precision": variant.precision,
        "padding": variant.padding,
        "cpus": plan.cpus,
        "backend_options": plan.backend_options,
        "status": cell.verdict.status,
        "started_at": process.started_at,
        "resolution_px": variant.resolution_px,
        "threads": plan.threads,
        "process": number,
        "round": process.round,
        "width": variant.width,
        "rate_hz": plan.rate_hz,
    }
    return {name: printable(value) if isinstance(value, str) else value for name, value in values.items()}
