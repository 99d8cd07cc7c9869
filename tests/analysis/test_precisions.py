"""What an entry says of the cores it needs and of the arithmetic it uses."""

import msgspec
import pytest

from builders import make_device
from harness.analysis.precisions import PRECISIONS, find_missing_feature, in_order, is_quantized, style_of
from harness.errors import UsageError
from harness.records import Variant


@pytest.mark.parametrize(("half_precision", "missing"), [(True, False), (False, True), (None, False)])
def test_fp16_is_refused_only_where_cores_are_known_to_lack_its_arithmetic(
    half_precision: bool | None, missing: bool
) -> None:
    device = make_device(half_precision=half_precision)
    feature = find_missing_feature("fp16", device)
    assert (feature is not None) is missing
    assert feature is None or "FEAT_FP16" in feature.name
    assert find_missing_feature("fp32", device) is None
    assert find_missing_feature("int8", device) is None


def test_an_unknown_precision_is_measured_nowhere() -> None:
    with pytest.raises(UsageError, match="there is no precision 'fp4'"):
        find_missing_feature("fp4", make_device())


def test_an_unknown_precision_is_drawn_and_counts_as_not_quantized() -> None:
    assert style_of("fp4") not in [entry.style for entry in PRECISIONS.values()]
    assert [name for name in (*PRECISIONS, "fp4") if is_quantized(name)] == ["int8"]


def test_precisions_are_shown_in_the_order_of_their_entries_and_unknown_ones_last() -> None:
    assert in_order(["nf4", "fp4", "int8", "fp16", "fp32", "int8"]) == ("fp32", "fp16", "int8", "fp4", "nf4")


@pytest.mark.parametrize("name", ["../fp32", "FP32", "", "fp32\n", "a" * 33])
def test_a_saved_precision_that_is_no_name_is_refused(name: str) -> None:
    saved = msgspec.json.encode({"width": 0.5, "resolution_px": 128, "precision": name})
    with pytest.raises(msgspec.ValidationError, match=r"precision"):
        msgspec.json.decode(saved, type=Variant)
