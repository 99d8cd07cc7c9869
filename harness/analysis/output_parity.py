"""Does a device compute what this machine's runtime computes? For the user's own programs, output by output.

There is no eager model to compare with: the same program ran here, in the same version of ExecuTorch.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harness.analysis.precisions import PRECISIONS
from harness.errors import MeasurementError
from harness.records import Dtype, Parity, TensorSpec

# The largest error allowed, as a share of an output's largest value; integers and booleans must be equal.
RELATIVE_TOLERANCES: dict[Dtype, float] = {
    "float16": PRECISIONS["fp16"].relative_tolerance,
    "float32": PRECISIONS["fp32"].relative_tolerance,
    "float64": PRECISIONS["fp32"].relative_tolerance,
}

Floats = NDArray[np.float64]


def compare_outputs(output: bytes, reference: bytes, specs: Sequence[TensorSpec]) -> Parity:
    """Compare all outputs; the figures are those of the one that is furthest beyond its tolerance.

    Both are little-endian, one tensor after the other. Infinities and NaN must be in the same places.

    Raises:
        MeasurementError: the output has another length.
    """
    size_bytes = sum(spec.size_bytes for spec in specs)
    if len(output) != size_bytes or len(reference) != size_bytes:
        raise MeasurementError(f"the outputs have {len(output)} bytes, the reference {len(reference)}")
    found, at = [], 0
    for spec in specs:
        dtype = np.dtype(spec.dtype).newbyteorder("<")
        count = spec.size_bytes // dtype.itemsize
        one, other = (np.frombuffer(content, dtype, count, at) for content in (output, reference))
        found.append(_compare(one, other, RELATIVE_TOLERANCES.get(spec.dtype, 0.0)))
        at += spec.size_bytes
    return min(found, key=lambda parity: (parity.passed, -_beyond(parity)))


def _beyond(parity: Parity) -> float:
    return parity.max_abs_error / parity.tolerance if parity.tolerance else parity.max_abs_error


def _compare(output: NDArray[np.generic], reference: NDArray[np.generic], relative: float) -> Parity:
    same = output == reference
    with np.errstate(invalid="ignore", over="ignore"):
        one, other = output.astype(np.float64), reference.astype(np.float64)
        same |= np.isnan(one) & np.isnan(other)
        finite = np.isfinite(one) & np.isfinite(other)
        errors = np.abs(one - other)[finite & ~same]
        largest = np.abs(other)[np.isfinite(other)].max(initial=0.0)
    comparable = bool((same | finite).all())
    error = float(errors.max(initial=0.0))
    tolerance = relative * float(largest)
    # Integers beyond 2**53 may differ by less than a float64 tells.
    equal = bool(same.all())
    passed = comparable and error <= tolerance if relative else equal
    return Parity(
        max_abs_error=error if comparable else max(error, float(largest)),
        tolerance=tolerance,
        cosine=_cosine(one[finite], other[finite]),
        top1_agrees=bool(one.argmax() == other.argmax()),
        passed=passed,
    )


def _cosine(one: Floats, other: Floats) -> float:
    """1 for two zero vectors, 0 when only one of them is zero."""
    # Scaled, so that no square overflows.
    lengths = [float(np.abs(values).max(initial=0.0)) for values in (one, other)]
    if not all(lengths):
        return float(lengths[0] == lengths[1])
    a, b = one / lengths[0], other / lengths[1]
    return float(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1.0, 1.0))
