"""Which cells are of one placement: those that differ in nothing but shape and weights."""

from typing import NamedTuple

from harness.records import RANDOM_WEIGHTS, BackendOptions, Cell, Padding, Plan, PrecisionName, Variant
from harness.records.task_profiles import TaskProfileName

Shape = tuple[float, int]
CellKey = tuple[str, int, str | None, float | None, BackendOptions | None]


class Placement(NamedTuple):
    """What cells must share, beside the device, so that one predicts another."""

    precision: PrecisionName
    threads: int
    cpus: str | None
    rate_hz: float | None
    backend_options: BackendOptions | None
    tuned: bool
    task_profile: TaskProfileName | None
    padding: Padding
    classes: int | None
    executorch: str | None


def placement_of(cell: Cell) -> Placement:
    """Where and how the cell ran, and what its shape was lowered to."""
    plan, variant = cell.plan, cell.variant
    return Placement(
        precision=variant.precision,
        threads=plan.threads,
        cpus=plan.cpus,
        rate_hz=plan.rate_hz,
        backend_options=plan.backend_options,
        tuned=plan.tune_device,
        task_profile=plan.task_profile,
        padding=variant.padding,
        classes=variant.classes,
        executorch=cell.artifact.versions.get("executorch"),
    )


def shape_of(variant: Variant) -> Shape:
    """Width multiplier and resolution; raises ValueError for the user's own program, which has none."""
    return variant.shape


def variant_of(placement: Placement, shape: Shape) -> Variant:
    """The variant of this shape; its weights are random, because figures hardly depend on them."""
    width, resolution_px = shape
    return Variant(
        width=width,
        resolution_px=resolution_px,
        precision=placement.precision,
        padding=placement.padding,
        classes=placement.classes,
        weights=RANDOM_WEIGHTS,
    )


def cell_key(variant: Variant, plan: Plan) -> CellKey:
    """What tells the cells of one device and run apart."""
    return variant.name, plan.threads, plan.cpus, plan.rate_hz, plan.backend_options
