"""Which package made int8 of each runtime's network: programs of two quantizers are two networks.

They are compared at their measured accuracy, never as if they were one precision.
"""

from collections.abc import Collection, Sequence

from harness.analysis.precisions import is_quantized
from harness.analysis.runtimes import RUNTIMES, find_runtime, runtime_title
from harness.records import Cell, RuntimeName
from harness.system.text import printable


def describe_quantizers(cells: Sequence[Cell]) -> str | None:
    """Whose quantizers made int8 of these cells, as a clause; None if there is one alone, or none."""
    made: dict[RuntimeName, dict[str, None]] = {}
    for cell in cells:
        if quantizer := quantizer_named(cell):
            made.setdefault(cell.variant.runtime, {})[quantizer] = None
    if len(made) < 2:
        return None
    named = [f"{runtime_title(name)}'s by {' and '.join(made[name])}" for name in in_order_of_runtimes(made)]
    return f"each runtime's own quantizer made its int8: {', '.join(named)}"


def in_order_of_runtimes(names: Collection[RuntimeName]) -> list[RuntimeName]:
    """The known ones first, ExecuTorch before the others."""
    return [*(name for name in RUNTIMES if name in names), *sorted(set(names) - RUNTIMES.keys())]


def quantizer_named(cell: Cell) -> str | None:
    """The quantizer of a variant that is quantized; None of others, and of own programs."""
    if is_quantized(cell.variant.precision) and not cell.variant.is_own_program:
        return quantizer_of(cell)
    return None


def quantizer_of(cell: Cell) -> str:
    """`ai-edge-quantizer 0.10.0`; only the package where an older version of the harness lowered it."""
    calibration, runtime = cell.artifact.calibration, cell.variant.runtime
    if calibration and calibration.quantizer:
        return printable(calibration.quantizer)
    return find_runtime(runtime).quantizer if runtime in RUNTIMES else "its quantizer"
