"""The table of cells as Parquet, with typed columns; needs pyarrow, an optional package."""

import io
import re
from collections.abc import Sequence

from harness.errors import UsageError
from harness.records import Cell, Run
from reports.cell_columns import CellRow
from reports.column_names import column_names
from reports.exports.tables import exported_table

_FLOATS = re.compile(
    r"width|latency_median_confidence|parity_max_abs_error|agreement_with_eager|drop_from_fp32_\w+"
    r"|\w+_percent|latency_(?:median|p90|p99)(?:_low|_high)?_ns"
    r"|(?:cold_|first_launch_)?(?:load|init|first_inference|startup)_median(?:_low|_high)?_ns"
    r"|sustained_(?:initial|plateau(?:_low|_high)?)_ns|sustained_retained"
    r"|rate_hz|pace_missed_share|pace_(?:lateness_(?:median|p99)|p99(?:_low|_high)?)_ns|pace_duty_cycle"
    r"|\w+_(?:joules|watts|celsius)"
)
_INTEGERS = re.compile(
    r"resolution_px|classes|weights_seed|threads|macs|params|delegated_nodes|undelegated_nodes|processes"
    r"|samples|outliers|measured_images|unreadable_images|latency_(?:min|max)_ns|\w+_bytes|\w+_per_inference"
    r"|sustained_(?:seconds|drop_second|fell_before|fell_after)"
    r"|energy_(?:fewest_updates|inferences)|cold_processes|(?:first_launch_)?init_instructions"
    r"|pace_(?:period_ns|periods|missed|skipped|lateness_max_ns)"
)


def encode(run: Run, cells: Sequence[Cell]) -> bytes:
    """Missing figures are null; counts are 64-bit integers.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UsageError(
            "--format parquet needs the package pyarrow, which is not installed",
            hint="pip install 'mobilenet-harness[parquet]', or choose --format csv",
        ) from error
    rows = [typed(row) for row in exported_table(run, cells)]
    types = {"Float64": pa.float64(), "Int64": pa.int64(), "string": pa.string()}
    schema = pa.schema([(name, types[column_type(name)]) for name in (rows[0] if rows else column_names())])
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_pylist(rows, schema), file)
    return file.getvalue()


def typed(row: CellRow) -> CellRow:
    """The row with text in the columns of text: some have a number where all processes agree."""
    return {
        name: str(value) if value is not None and column_type(name) == "string" else value
        for name, value in row.items()
    }


def column_type(name: str) -> str:
    """The type of a column by its name alone, so that files of different runs have one schema."""
    if _FLOATS.fullmatch(name):
        return "Float64"
    return "Int64" if _INTEGERS.fullmatch(name) else "string"
