"""Does a device compute what the eager model computes? Checked on every process, without torch.

Floats of the same graph differ by the order of additions: a few 1e-6 of the largest logit is seen on x86-64
and ARM. Quantized programs are compared with an integer reference (`lowering/integers.py`), from which most
devices and variants do not differ at all. At 0.25/192 and 0.25/224 with seeded weights, though, host and
three ARM cores agree with each other and not with it: one rounding, near a tie deep in the network, moves
some logits by one step of 255. So one step is allowed and two are not; a core that really computes something
else (QEMU's `max`) was off by 121 steps.
"""

import array
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.errors import MeasurementError
from harness.records import Parity, Precision, Tier

# Relative to the largest absolute value of the reference.
RELATIVE_TOLERANCE = 1e-4
# Of half precision, against float32 arithmetic on the same rounded weights. XNNPACK's ARM kernels also add up
# in 16 bits, up to 1024 products a layer, whose unit roundoff is 2**-11. Eight seeded variants (0.25 to 1.0,
# 32 to 224 px) were off by 0.1 % to 0.9 % on x86-64, which adds in 32 bits, and by 0.3 % to 2.7 % on ARM.
HALF_TOLERANCE = 0.05
# In steps of the quantized output.
STEPS_TOLERANCE = 1.5
LEVELS = 256
# Of a step: 255 times the relative error of float32 is 3e-5.
GRID_ERROR = 1e-3
# What to do where the answers first depart from the eager model's.
MENDS: dict[Tier | None, str] = {
    "exported": "export changed what the network computes: do not ship this file",
    "lowered on host": "the file is wrong here, too: do not ship it; see whether another precision agrees",
    "lowered on device": "the file is right here: do not ship it on this device; see whether another"
    " precision agrees",
    None: "do not ship this file on this device; see whether another precision agrees",
}


def read_reference(file: Path) -> tuple[float, ...]:
    """The eager model's output, stored as little-endian float32."""
    values = array.array("f", file.read_bytes())
    if sys.byteorder == "big":
        values.byteswap()
    return tuple(values)


def compare(output: Sequence[float], reference: Sequence[float], precision: Precision) -> Parity:
    """Compare one output with its reference, value by value.

    Raises:
        MeasurementError: the output has another length, or holds an infinity or NaN.
    """
    if len(output) != len(reference):
        raise MeasurementError(f"the output has {len(output)} values, the reference {len(reference)}")
    if not all(map(math.isfinite, output)):
        raise MeasurementError("the output holds infinities or NaN")
    error = max((abs(a - b) for a, b in zip(output, reference, strict=True)), default=0.0)
    relative = HALF_TOLERANCE if precision == "fp16" else RELATIVE_TOLERANCE
    tolerance = relative * max(map(abs, reference), default=0.0)
    if precision == "int8":
        tolerance = max(tolerance, STEPS_TOLERANCE * _step(reference))
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


def _step(quantized: Sequence[float]) -> float:
    """The scale of a dequantized int8 output: the largest of which every value is a multiple, else 0."""
    largest = max(map(abs, quantized), default=0.0)
    for levels in range(1, LEVELS):
        step = largest / levels
        if step and all(abs(value / step - round(value / step)) < GRID_ERROR for value in quantized):
            return step
    return 0.0


def _top1(logits: Sequence[float]) -> int:
    return max(range(len(logits)), key=logits.__getitem__)
