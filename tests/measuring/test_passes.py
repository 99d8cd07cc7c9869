import pytest

from harness.measuring.passes import operator_kinds, summarize_profile
from harness.records import ProfiledOperator

# As XNNPACK names them, seen on x86-64 and ARM; a MobileNet of two blocks.
FP32 = [
    "Convolution (NHWC, F32) IGEMM #1",
    "Convolution (NHWC, F32) DWConv #1",
    "Fully Connected (NC, F32) GEMM #1",
    "Convolution (NHWC, F32) DWConv #2",
    "Fully Connected (NC, F32) GEMM #2",
    "Mean (ND) Reduce2 #1",
    "Transpose (ND, X32) #1",
    "Static Reshape (NC) #1",
    "Fully Connected (NC, F32) GEMM #3",
]
INT8 = [
    "Convert (NC) #1",
    "Convolution (NHWC, QC8) IGEMM #1",
    "Convolution (NHWC, QC8) DWConv #1",
    "Fully Connected (NC, QS8, QC8W) GEMM #1",
    "Mean (ND) #1",
    "Fully Connected (NC, QS8, QC8W) GEMM #2",
    "Convert (NC) #2",
]


def test_operators_of_a_mobilenet_are_told_apart():
    blocks = ["depthwise", "pointwise"] * 2
    assert operator_kinds(FP32) == ["first convolution", *blocks, "other", "other", "other", "classifier"]
    assert operator_kinds(INT8) == [
        "other",
        "first convolution",
        "depthwise",
        "pointwise",
        "other",
        "classifier",
        "other",
    ]


def test_names_of_another_runtime_are_other():
    assert operator_kinds(["mean.out", "addmm.out", ""]) == ["other"] * 3
    assert operator_kinds([]) == []


def test_a_profile_leaves_out_the_slowest_tenth_and_its_shares_add_up():
    slow_once = ProfiledOperator(name=FP32[0], times_ns=(100,) * 9 + (100_000,))
    steady = ProfiledOperator(name=FP32[1], times_ns=(300,) * 10)
    profile = summarize_profile([slow_once, steady])
    assert [one.mean_ns for one in profile.operators] == [100.0, 300.0]
    assert [one.share for one in profile.operators] == [0.25, 0.75]
    assert profile.iterations == 10


def test_whole_microseconds_do_not_round_a_short_operator_away():
    often_nothing = ProfiledOperator(name=FP32[1], times_ns=(0, 1000, 0, 0, 1000, 0, 0, 0, 1000, 0))
    assert summarize_profile([often_nothing]).operators[0].mean_ns == pytest.approx(2000 / 9)


def test_operators_without_any_time_have_no_share():
    assert summarize_profile([ProfiledOperator(name="x", times_ns=(0, 0))]).operators[0].share == 0.0


def test_a_name_cannot_steer_the_terminal():
    hostile = ProfiledOperator(name="\x1b[2Jgone", times_ns=(1,))
    assert "\x1b" not in summarize_profile([hostile]).operators[0].name
