import math
import struct
from pathlib import Path

import pytest

from builders import make_own_artifact
from harness.analysis.parity import compare, mismatch_hint, read_reference
from harness.errors import MeasurementError
from harness.records import PrecisionName, Variant

REFERENCE = tuple(math.sin(i) * 2.5 for i in range(1000))
STEP = 5.0 / 255


def test_the_same_output_passes() -> None:
    parity = compare(REFERENCE, REFERENCE, "fp32")
    assert parity.passed
    assert parity.top1_agrees
    assert parity.max_abs_error == 0
    assert parity.cosine == pytest.approx(1)


def test_another_order_of_float_additions_passes() -> None:
    assert compare([value + 5e-6 for value in REFERENCE], REFERENCE, "fp32").passed


def test_a_float_error_above_the_tolerance_fails() -> None:
    off = [*REFERENCE[:-1], REFERENCE[-1] + 3e-4]
    assert not compare(off, REFERENCE, "fp32").passed


def test_half_precision_may_be_off_by_what_its_sums_lose() -> None:
    largest = max(map(abs, REFERENCE))
    for share, passed in ((0.03, True), (0.06, False)):
        off = [REFERENCE[0] + share * largest, *REFERENCE[1:]]
        assert compare(off, REFERENCE, "fp16").passed is passed
        assert not compare(off, REFERENCE, "fp32").passed


@pytest.mark.parametrize("lowest", [-128, -1])
def test_one_quantized_logit_one_step_off_fails(lowest: int) -> None:
    """Whether the largest logit is half the grid's width from zero, or all of it."""
    quantized = [(lowest + i % 256) * STEP for i in range(1000)]
    assert compare([value * (1 + 1e-7) for value in quantized], quantized, "int8").passed
    for place in (0, 500, 999):
        off = [value + STEP * (i == place) for i, value in enumerate(quantized)]
        parity = compare(off, quantized, "int8")
        assert not parity.passed
        assert parity.cosine > 0.9999
        assert parity.max_abs_error == pytest.approx(STEP)
        assert parity.tolerance < 0.03 * STEP


def test_another_winner_is_told() -> None:
    assert not compare([1.0, 2.0], [2.0, 1.0], "fp32").top1_agrees


@pytest.mark.parametrize(
    ("output", "message"), [([1.0], "1 values, the reference 2"), ([1.0, math.nan], "infinities or NaN")]
)
def test_outputs_that_cannot_be_compared_are_errors(output: list[float], message: str) -> None:
    with pytest.raises(MeasurementError, match=message):
        compare(output, [1.0, 2.0], "fp32")


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_zeros_equal_zeros_and_nothing_else(precision: PrecisionName) -> None:
    assert compare([0.0, 0.0], [0.0, 0.0], precision).passed
    parity = compare([0.0, 1e-9], [0.0, 0.0], precision)
    assert not parity.passed
    assert parity.cosine == 0


def test_references_are_little_endian_floats(tmp_path: Path) -> None:
    file = tmp_path / "output.bin"
    file.write_bytes(struct.pack("<3f", 1.0, -2.5, 0.0))
    assert read_reference(file) == (1.0, -2.5, 0.0)


def test_another_precision_is_proposed_where_there_may_be_one() -> None:
    network = Variant(width=0.25, resolution_px=128, precision="int8")
    own = make_own_artifact().variant
    assert mismatch_hint(network, "host").endswith("do not ship it; try another precision")
    assert mismatch_hint(own, "host").endswith("do not ship it")
    assert "precision" not in mismatch_hint(network, "exported")
