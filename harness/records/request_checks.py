"""What a cell cannot have been asked for: its variant, its plan, and the artifact that was lowered for it."""

import math
from collections.abc import Iterator

from harness.records import EXECUTORCH, Artifact, Cell, Plan
from harness.records.schema import LARGEST_INTEGER, MOST_SECONDS
from harness.system.cpu_list import parse_cpu_list


def find_impossible_requests(cell: Cell) -> Iterator[str]:
    """Each contradiction as a sentence that names the field and its figures."""
    yield from _variant(cell)
    yield from _plan(cell.plan)
    yield from _cores(cell)
    yield from _artifact(cell.artifact)


def _variant(cell: Cell) -> Iterator[str]:
    variant, lowered = cell.variant, cell.artifact.variant
    shape = variant.width, variant.resolution_px, variant.classes
    if variant.is_own_program:
        if shape != (None, None, None):
            yield f"variant is the method {variant.method}, and has a width, a resolution or classes"
    elif not all(one is not None and 0 < one < math.inf for one in shape):
        width, side, classes = shape
        yield f"variant has width {width}, resolution {side} and {classes} classes"
    if lowered.name != variant.name:
        yield f"artifact is of {lowered.name}, the cell of {variant.name}"


def _plan(plan: Plan) -> Iterator[str]:
    if plan.threads < 1 or plan.processes < 1:
        yield f"plan has {plan.threads} threads and {plan.processes} processes"
    if plan.max_processes is not None and plan.max_processes < 1:
        yield f"plan.max_processes is {plan.max_processes}"
    for name in ("warmup_iterations", "min_iterations", "counted_iterations", "seed"):
        if getattr(plan, name) < 0:
            yield f"plan.{name} is {getattr(plan, name)}"
    for name in ("min_seconds", "max_seconds", "max_cooling_seconds", "cooled_within_celsius"):
        if not 0 <= getattr(plan, name) <= MOST_SECONDS:
            yield f"plan.{name} is {getattr(plan, name):g}"
    for name in ("target_precision", "max_minutes"):
        limit = getattr(plan, name)
        if limit is not None and not 0 <= limit <= MOST_SECONDS:
            yield f"plan.{name} is {limit:g}"


def _cores(cell: Cell) -> Iterator[str]:
    """As `measuring.plans` refuses them; the cores of some devices are unknown."""
    plan, known = cell.plan, {core.index for core in cell.device.cores}
    if len(known) < len(cell.device.cores):
        yield "device.cores has one core twice"
    pinned = () if plan.cpus is None else parse_cpu_list(plan.cpus)
    if pinned is None:
        yield f"plan.cpus is {(plan.cpus or '')[:40]!r}, which is not a list of cores"
    elif known and not known.issuperset(pinned):
        yield f"plan.cpus is {plan.cpus}, but the device has cores {sorted(known)}"
    elif known and plan.threads > len(pinned or known):
        yield f"plan.threads is {plan.threads}, on {len(pinned or known)} cores"


def _artifact(artifact: Artifact) -> Iterator[str]:
    own = artifact.variant.is_own_program
    delegating = not own and artifact.variant.runtime == EXECUTORCH
    for name in ("macs", "params", "size_bytes"):
        figure = getattr(artifact, name)
        if (not own or name == "size_bytes") and (figure is None or figure < 1):
            yield f"artifact.{name} is {figure}"
    for name in ("delegates", "delegated_nodes"):
        figure = getattr(artifact, name)
        if (delegating or name == "delegates") and (figure is None or figure < 0):
            yield f"artifact.{name} is {figure}"
    # In files of the smallest numbers there are, each parameter has at least a bit.
    if artifact.params is not None and 0 < 8 * artifact.size_bytes < artifact.params:
        yield f"artifact.size_bytes is {artifact.size_bytes}, of {artifact.params} parameters"
    specs = [("input", spec) for spec in artifact.all_inputs] + [
        ("output", spec) for spec in artifact.all_outputs
    ]
    for name, spec in specs:
        if sorted(spec.dim_order) != list(range(len(spec.sizes))):
            yield f"artifact.{name}.dim_order is {list(spec.dim_order)}, of {len(spec.sizes)} dimensions"
        if min(spec.sizes, default=0) < 0 or spec.size_bytes > LARGEST_INTEGER:
            yield f"artifact.{name}.sizes is {list(spec.sizes)}"
    if artifact.calibration is not None and artifact.calibration.images < 1:
        yield f"artifact.calibration.images is {artifact.calibration.images}"
