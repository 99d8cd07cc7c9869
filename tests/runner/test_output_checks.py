"""Outputs that a runner reports must be those of the program; a device is not trusted."""

import pytest

from harness.errors import ReportRejected
from harness.records import OutputSpec, TensorSpec
from harness.runner.output_checks import check_outputs

FIXED = TensorSpec(dtype="int64", sizes=(1, 6), dim_order=(0, 1))
DYNAMIC = TensorSpec(dtype="float32", sizes=(8, 4), dim_order=(0, 1), dynamic=True)


def report(scalar_type: int, *sizes: int) -> OutputSpec:
    return OutputSpec(scalar_type=scalar_type, sizes=sizes)


def test_outputs_have_the_sizes_reported_which_may_be_smaller_where_dynamic() -> None:
    found = check_outputs([report(4, 1, 6), report(6, 3, 4)], [FIXED, DYNAMIC])
    assert [spec.sizes for spec in found] == [(1, 6), (3, 4)]


@pytest.mark.parametrize(
    ("reported", "message"),
    [
        (None, "no outputs were reported instead of 2"),
        ([report(4, 1, 6)], "1 outputs were reported instead of 2"),
        (
            [report(4, 1, 5), report(6, 8, 4)],
            r"output 0 was reported as int64\[1, 5\], the program has int64\[1,6\]",
        ),
        ([report(6, 1, 6), report(6, 8, 4)], r"output 0 was reported as float32\[1, 6\]"),
        ([report(4, 1, 6), report(6, 9, 4)], r"output 1 was reported as float32\[9, 4\]"),
        ([report(4, 1, 6), report(6, 8)], r"output 1 was reported as float32\[8\]"),
        ([report(200, 1, 6), report(6, 8, 4)], r"output 0 was reported as None\[1, 6\]"),
    ],
)
def test_another_number_type_or_size_is_refused(reported: list[OutputSpec] | None, message: str) -> None:
    with pytest.raises(ReportRejected, match=message):
        check_outputs(reported, [FIXED, DYNAMIC])
