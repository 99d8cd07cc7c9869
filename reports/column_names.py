"""The names of the columns of `cells.csv` where there is no cell to read them from."""

from functools import cache

from harness.records import Artifact, Cell, DeviceInfo, Plan, TensorSpec, Variant, Verdict
from reports.cell_columns import row_of


@cache
def column_names() -> tuple[str, ...]:
    """All names in their order: every row has the same, whatever was measured."""
    return tuple(row_of("", _blank_cell()))


def _blank_cell() -> Cell:
    variant = Variant(width=None, resolution_px=None, precision="as_is", method="forward")
    tensor = TensorSpec(dtype="float32", sizes=(), dim_order=())
    return Cell(
        variant=variant,
        artifact=Artifact(
            variant=variant,
            sha256="",
            size_bytes=0,
            macs=None,
            params=None,
            delegates=0,
            delegated_nodes=None,
            undelegated_nodes=(),
            planned_arena_bytes=None,
            input=tensor,
            output=tensor,
            calibration=None,
            versions={},
            lowering_seconds=None,
            reference_input_sha256="",
            reference_output_sha256=None,
        ),
        device=DeviceInfo(name="", kind="", transport="", abi="arm64-v8a", clock="real", model=""),
        plan=Plan(
            threads=1,
            processes=1,
            warmup_iterations=0,
            min_iterations=1,
            min_seconds=0.0,
            max_seconds=0.0,
            counted_iterations=0,
            seed=0,
        ),
        processes=(),
        latency=None,
        instructions_per_inference=None,
        memory=None,
        parity=None,
        verdict=Verdict(status="invalid", reasons=()),
    )
