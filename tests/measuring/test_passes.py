import pytest

from harness.measuring.passes import operator_kinds, parse_meminfo, summarize_profile
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


def test_operators_of_a_mobilenet_are_distinguished() -> None:
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


def test_names_of_another_runtime_are_other() -> None:
    assert operator_kinds(["mean.out", "addmm.out", ""]) == ["other"] * 3
    assert operator_kinds([]) == []


def test_a_profile_leaves_out_the_slowest_tenth_and_its_shares_add_up() -> None:
    slow_once = ProfiledOperator(name=FP32[0], times_ns=(100,) * 9 + (100_000,))
    steady = ProfiledOperator(name=FP32[1], times_ns=(300,) * 10)
    profile = summarize_profile([slow_once, steady])
    assert [one.mean_ns for one in profile.operators] == [100.0, 300.0]
    assert [one.share for one in profile.operators] == [0.25, 0.75]
    assert profile.iterations == 10


def test_whole_microseconds_do_not_round_a_short_operator_away() -> None:
    often_nothing = ProfiledOperator(name=FP32[1], times_ns=(0, 1000, 0, 0, 1000, 0, 0, 0, 1000, 0))
    assert summarize_profile([often_nothing]).operators[0].mean_ns == pytest.approx(2000 / 9)


def test_operators_without_any_time_have_no_share() -> None:
    assert summarize_profile([ProfiledOperator(name="x", times_ns=(0, 0))]).operators[0].share == 0.0


def test_a_name_cannot_steer_the_terminal() -> None:
    hostile = ProfiledOperator(name="\x1b[2Jgone", times_ns=(1,))
    assert "\x1b" not in summarize_profile([hostile]).operators[0].name


# As Android 14 prints it for a native process, shortened; up to Android 10 the last line began with TOTAL:.
MEMINFO = """Applications Memory Usage (in Kilobytes):
Uptime: 5310 Realtime: 5310

** MEMINFO in pid 4242 [runner] **
                   Pss  Private  Private  SwapPss      Rss     Heap     Heap     Heap
                 Total    Dirty    Clean    Dirty    Total     Size    Alloc     Free
  Native Heap     9312     9312        0        0     9400        0        0        0
        TOTAL    13370    10500     2048       12    17100        0        0        0

 App Summary
                       Pss(KB)                        Rss(KB)
          Native Heap:     9312                           9400
           TOTAL PSS:    13370            TOTAL RSS:    17100       TOTAL SWAP PSS:       12
"""


@pytest.mark.parametrize(
    ("text", "kib"),
    [
        (MEMINFO, 13370),
        (MEMINFO.replace("TOTAL PSS:    13370            TOTAL RSS:    17100", "TOTAL:    13370"), 13370),
        (MEMINFO.replace("13370            TOTAL RSS", "many   TOTAL RSS"), None),
        (MEMINFO.replace("13370            TOTAL RSS", "-1   TOTAL RSS"), None),
        (MEMINFO.replace("13370            TOTAL RSS", "99999999999  TOTAL RSS"), None),
        (MEMINFO.replace("13370            TOTAL RSS", "0            TOTAL RSS"), None),
        (MEMINFO + MEMINFO, None),
        (MEMINFO.rpartition("TOTAL PSS")[0], None),
        ("No process found for: 4242\n", None),
        ("", None),
        ("\x7fELF\0", None),
    ],
)
def test_what_dumpsys_counts_is_read_strictly(text: str, kib: int | None) -> None:
    assert parse_meminfo(text.encode()) == (None if kib is None else kib * 1024)


def test_what_operators_of_an_own_program_are_is_not_guessed() -> None:
    profiled = [ProfiledOperator(name=name, times_ns=(1000, 1000)) for name in FP32]
    kinds = {operator.kind for operator in summarize_profile(profiled, own_program=True).operators}
    assert kinds == {"other"}
