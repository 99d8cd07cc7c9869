from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_cell
from builders import make_plan as build_plan
from harness.analysis.stopping import expected_processes, is_complete, most_processes, reason_to_stop
from harness.measuring.plans import make_plan
from harness.records import Cell, Clock, Plan, RunRequest, StoppedBy

QUIET = (10_000_000, 10_010_000, 9_990_000, 10_005_000, 9_995_000)
NOISY = (10_000_000, 11_000_000, 9_000_000, 10_500_000, 9_500_000)


def plan(**changes: Any) -> Plan:
    return build_plan(**{"processes": 5, "max_processes": 10, "target_precision": 0.02, **changes})


def cell(medians_ns: tuple[int, ...], **changes: Any) -> Cell:
    return make_cell(medians_ns, plan=plan(**changes))


def test_a_cell_goes_on_until_its_interval_is_narrow_enough() -> None:
    assert reason_to_stop(cell(QUIET), elapsed_s=0) == "target_precision"
    assert reason_to_stop(cell(NOISY), elapsed_s=0) is None
    assert reason_to_stop(cell(NOISY, target_precision=0.5), elapsed_s=0) == "target_precision"


def test_a_narrow_interval_does_not_end_a_cell_before_its_least_processes() -> None:
    assert reason_to_stop(cell(QUIET[:4]), elapsed_s=0) is None


def test_a_cell_that_stays_uncertain_ends_at_the_most_rounds() -> None:
    assert reason_to_stop(cell(NOISY * 2), elapsed_s=0) == "max_rounds"
    assert reason_to_stop(cell(NOISY, max_processes=None), elapsed_s=0) == "max_rounds"
    assert reason_to_stop(cell(NOISY, target_precision=None, max_processes=5), elapsed_s=0) == "max_rounds"


def test_time_ends_a_cell_that_has_a_process() -> None:
    assert reason_to_stop(cell(NOISY[:1], max_minutes=2.0), elapsed_s=119) is None
    assert reason_to_stop(cell(NOISY[:1], max_minutes=2.0), elapsed_s=120) == "max_minutes"
    assert reason_to_stop(cell((), max_minutes=2.0), elapsed_s=999) is None


@pytest.mark.parametrize(
    ("reason", "complete"),
    [("target_precision", True), ("max_rounds", True), ("max_minutes", False), (None, False)],
)
def test_only_more_time_would_make_a_cell_go_on(reason: StoppedBy | None, complete: bool) -> None:
    assert is_complete(msgspec.structs.replace(cell(QUIET), stopped_by=reason)) is complete


def test_what_is_expected_grows_with_the_uncertainty_up_to_the_limit() -> None:
    assert expected_processes(cell(QUIET[:1])) == 5
    assert expected_processes(cell(NOISY)) == 10
    assert expected_processes(cell(NOISY, target_precision=0.09)) in (6, 7, 8, 9)
    assert expected_processes(msgspec.structs.replace(cell(QUIET), stopped_by="target_precision")) == 5


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(10**6, 10**8), min_size=1, max_size=12),
    st.integers(1, 8),
    st.none() | st.integers(1, 12),
)
def test_the_expected_number_is_never_below_what_is_there_or_above_the_limit(
    medians_ns: list[int], least: int, most: int
) -> None:
    one = cell(tuple(medians_ns), processes=least, max_processes=most)
    expected = expected_processes(one)
    assert expected >= min(len(medians_ns), most_processes(one.plan))
    assert expected <= max(len(medians_ns), most_processes(one.plan))


def request(**changes: Any) -> RunRequest:
    return RunRequest(
        devices=(), widths=(1.0,), resolutions_px=(224,), precisions=("fp32",), threads=(1,), **changes
    )


@pytest.mark.parametrize(
    ("clock", "asked", "least", "most"),
    [
        ("real", {}, 5, 10),
        ("real", {"processes": 3}, 3, 3),
        ("real", {"processes": 3, "max_rounds": 20}, 3, 20),
        ("real", {"max_rounds": 20}, 5, 20),
        ("real", {"max_rounds": 3}, 3, 3),
        ("virtual", {}, 2, 2),
        ("emulated", {"max_rounds": 20}, 2, 2),
        ("emulated", {"processes": 4}, 4, 4),
    ],
)
def test_rounds_of_a_plan(clock: Clock, asked: dict[str, int], least: int, most: int) -> None:
    made = make_plan(request(**asked), clock, threads=1)
    assert (made.processes, most_processes(made)) == (least, most)


def test_counts_repeat_so_that_only_real_clocks_have_a_target() -> None:
    assert make_plan(request(target_precision=0.01), "real", threads=1).target_precision == 0.01
    assert make_plan(request(), "emulated", threads=1).target_precision is None
