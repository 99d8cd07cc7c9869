"""Whether the outputs that a runner reports can be those of a program."""

import math
from collections.abc import Sequence

import msgspec

from harness.errors import ReportRejected
from harness.lowering.program_file import SCALAR_TYPES
from harness.records import OutputSpec, TensorSpec


def check_outputs(
    reported: Sequence[OutputSpec] | None, expected: Sequence[TensorSpec]
) -> tuple[TensorSpec, ...]:
    """The expected outputs with the sizes reported, which may be smaller where a shape is dynamic.

    Raises:
        ReportRejected: another number of outputs, another type or size.
    """
    if reported is None or len(reported) != len(expected):
        found = "no" if reported is None else len(reported)
        raise ReportRejected(f"{found} outputs were reported instead of {len(expected)}")
    return tuple(
        _check(index, one, spec) for index, (one, spec) in enumerate(zip(reported, expected, strict=True))
    )


def _check(index: int, reported: OutputSpec, spec: TensorSpec) -> TensorSpec:
    dtype = SCALAR_TYPES.get(reported.scalar_type)
    fits = len(reported.sizes) == len(spec.sizes) and all(
        size <= most if spec.dynamic else size == most
        for size, most in zip(reported.sizes, spec.sizes, strict=False)
    )
    if dtype != spec.dtype or not fits or math.prod(reported.sizes) > math.prod(spec.sizes):
        raise ReportRejected(
            f"output {index} was reported as {dtype}{list(reported.sizes)}, the program has {spec.text}"
        )
    return msgspec.structs.replace(spec, sizes=reported.sizes)
