"""Does a device compute what the eager model computes? Checked on every process, without torch.

The rule of each precision is in its entry (`harness.analysis.precisions`). Floats of the same graph differ by
the order of additions. Quantized programs are compared with an integer reference
(`lowering/int8_reference.py`) that a correct device equals: a device that is one step off anywhere fails.
Those of runtimes beside ExecuTorch, whose quantizers are their own, are compared by the same rule with what
the very file computes: in exact integers (ONNX Runtime) or by the runtime on this machine (LiteRT).
"""

import array
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.analysis.precisions import find_precision, is_quantized_apart
from harness.analysis.runtimes import quantized_reference
from harness.errors import MeasurementError
from harness.records import Parity, PrecisionName, Stage, Variant

# Where outputs first differ, in messages: "first mismatch: on the device".
PLACES: dict[Stage, str] = {
    "exported": "in the exported graph",
    "host": "in the program on this machine",
    "device": "on the device",
}
# What it means, by the first stage whose output differs.
_MEANINGS: dict[Stage | None, str] = {
    "exported": "export changed what the network computes, so do not ship this program",
    "host": "the program is also wrong on this machine, so do not ship it",
    "device": "the program is right on this machine, so do not ship it on this device",
    None: "do not ship this program on this device",
}


def mismatch_hint(variant: Variant, stage: Stage | None) -> str:
    """What to do about a wrong output; an own program has no other precision, and export no other result."""
    fixed = variant.is_own_program or stage == "exported"
    return _MEANINGS[stage] if fixed else f"{_MEANINGS[stage]}; try another precision"


def reference_name(variant: Variant) -> str:
    """What the output is compared with, in messages."""
    if variant.is_own_program:
        return "this machine's runtime"
    return quantized_reference(variant.runtime) if is_quantized_apart(variant) else "the eager model"


def read_reference(file: Path) -> tuple[float, ...]:
    """A reference output, stored as little-endian float32."""
    values = array.array("f", file.read_bytes())
    if sys.byteorder == "big":
        values.byteswap()
    return tuple(values)


def write_reference(values: Sequence[float]) -> bytes:
    """The bytes that `read_reference` reads."""
    stored = array.array("f", values)
    if sys.byteorder == "big":
        stored.byteswap()
    return stored.tobytes()


def compare(output: Sequence[float], reference: Sequence[float], precision: PrecisionName) -> Parity:
    """Compare one output with its reference, value by value.

    Raises:
        MeasurementError: the output has another length, or holds an infinity or NaN.
    """
    if len(output) != len(reference):
        raise MeasurementError(f"the output has {len(output)} values, the reference {len(reference)}")
    if not all(map(math.isfinite, output)):
        raise MeasurementError("the output holds infinities or NaN")
    error = max((abs(a - b) for a, b in zip(output, reference, strict=True)), default=0.0)
    tolerance = find_precision(precision).relative_tolerance * max(map(abs, reference), default=0.0)
    return Parity(
        max_abs_error=error,
        tolerance=tolerance,
        cosine=_cosine(output, reference),
        top1_agrees=_top1(output) == _top1(reference),
        passed=error <= tolerance,
    )


def _cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """1 for two zero vectors, 0 when only one of them is zero."""
    lengths = math.hypot(*a) * math.hypot(*b)
    return (
        sum(x * y for x, y in zip(a, b, strict=True)) / lengths
        if lengths
        else float(math.hypot(*a) == math.hypot(*b))
    )


def _top1(logits: Sequence[float]) -> int:
    return max(range(len(logits)), key=logits.__getitem__)
