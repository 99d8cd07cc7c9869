"""Cells measured at a rate: their figures, and which of them are compared and picked."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from builders import make_artifact, make_cell, make_device, make_paced_cell, make_plan, make_process
from harness.analysis.budget import Budget
from harness.analysis.commands import budget_options
from harness.analysis.comparison import compare
from harness.analysis.paced_figures import response_p99_ns
from harness.analysis.selection import pick
from harness.analysis.selection_text import explain
from harness.errors import UsageError
from harness.records import Cell, ProcessReport
from reports.sections import arrange

FREE = make_cell()
QUICK = make_paced_cell(30.0)
SLOW = make_paced_cell(30.0, 40_000_000)


def test_an_inference_within_its_period_misses_nothing() -> None:
    pace = QUICK.pace
    assert pace is not None
    assert (pace.period_ns, pace.periods, pace.missed, pace.skipped) == (33_333_333, 6 * 31, 0, 0)
    assert (pace.lateness_median_ns, pace.lateness_p99_ns, pace.lateness_max_ns) == (50_000, 50_000, 50_000)
    assert math.isclose(pace.duty_cycle, 0.3, rel_tol=0.01)
    assert QUICK.verdict.reasons == ()


def test_forty_milliseconds_at_thirty_a_second_miss_every_period_and_it_is_information() -> None:
    pace = SLOW.pace
    assert pace is not None
    assert (pace.periods, pace.missed, pace.skipped) == (372, 372, 186)
    assert (pace.missed_share, SLOW.verdict.status) == (1.0, "valid")
    assert math.isclose(pace.duty_cycle, 0.6, rel_tol=0.01)
    (reason,) = SLOW.verdict.reasons
    assert reason.detail == (
        "372 of 372 periods of 33.33 ms (100.0%) ended without a result; in 186 of them none began, because"
        " one still ran"
    )


def test_back_to_back_there_is_no_pace() -> None:
    assert FREE.pace is None


@pytest.mark.parametrize("across", [False, True])
def test_cells_of_different_rates_are_never_compared(across: bool) -> None:
    other = make_paced_cell(15.0)
    for base, new in ((FREE, QUICK), (QUICK, other)):
        with pytest.raises(UsageError, match="the runs have no cell in common"):
            compare([base], [new], across=across)
    found = compare([FREE, QUICK, other], [QUICK], across=across)
    assert [cell.name for cell in found.cells] == [QUICK.name]
    assert set(found.only_in_base) == {FREE.name, other.name}


def answer(*cells: Cell, rate_hz: float | None = None) -> str:
    return explain(pick(cells, Budget(rate_hz=rate_hz)), all_rejected=True)


def test_without_a_rate_cells_measured_back_to_back_are_considered_if_there_are_any() -> None:
    text = answer(FREE, QUICK)
    assert "measured at 30/s, not back to back" in text
    assert "ship mobilenet_v1_0.5_128_fp32, 1 thread\n" in text
    assert "ship mobilenet_v1_0.5_128_fp32, 1 thread at 30/s" in answer(
        QUICK, make_paced_cell(15.0, 40_000_000)
    )


def test_with_a_rate_only_cells_of_that_rate_are_considered_and_misses_are_named() -> None:
    text = answer(FREE, QUICK, make_paced_cell(15.0), rate_hz=30.0)
    assert "ship mobilenet_v1_0.5_128_fp32, 1 thread at 30/s" in text
    assert "0 of 186 periods missed (0.0%)" in text
    assert "measured back to back, not at 30/s" in text
    assert "measured at 15/s, not at 30/s" in text


def test_a_p99_longer_than_the_period_does_not_keep_the_rate() -> None:
    selection = pick([SLOW], Budget(rate_hz=30.0))
    assert not selection.complete
    text = explain(selection)
    assert "paced p99 latency up to 40" in text
    assert "is over 33.33 ms" in text
    assert "over 33.33 ms, 372 of 372 periods missed (100.0%): measure at a lower rate" in text
    assert "relax" not in text


def stalled(every: int, *, stall_ms: int = 900, processes: int = 6, inferences: int = 750) -> Cell:
    """At 30/s: 10 ms each, but one of `every` inferences takes `stall_ms`."""
    plan = make_plan(rate_hz=30.0)
    period_ns = plan.period_ns or 0

    def process(round: int) -> ProcessReport:
        latencies, starts, due_ns = [], [], 0
        for number in range(inferences):
            stalls = number % every == every // 2
            latencies.append(stall_ms * 1_000_000 if stalls else 10_000_000 + number * 7_919 % 50_000)
            starts.append(due_ns + 50_000)
            due_ns += -(-(50_000 + latencies[-1]) // period_ns) * period_ns
        made = make_process(round, latencies_ns=tuple(latencies), starts_ns=tuple(starts))
        return replace(made, warmup_ns=(), warmup_cut=0)

    return make_cell(plan=plan, processes=tuple(map(process, range(processes))))


@pytest.mark.parametrize("rate_hz", [None, 30.0])
def test_periods_in_which_no_inference_began_count_against_the_rate(rate_hz: float | None) -> None:
    cell = stalled(150)
    assert cell.latency is not None
    assert cell.latency.p99_ns < 10.1e6  # Of the inferences that began.
    text = answer(cell, rate_hz=rate_hz)
    assert "no cell is within the budget and keeps the rate that it was measured at" in text
    assert "up to 900 ms is over 33.33 ms, 840 of 5,310 periods missed (15.8%)" in text
    assert "measure at a lower rate: harness run --rate 1.11" in text


@pytest.mark.parametrize(("every", "kept"), [(150, False), (375, False), (90, False), (750, True)])
def test_a_rate_is_kept_with_one_period_in_a_hundred_missed_and_not_with_more(every: int, kept: bool) -> None:
    cell = stalled(every, stall_ms=90)
    assert cell.pace
    figure = response_p99_ns(cell)
    assert figure
    assert (figure.estimate > cell.pace.period_ns) == (cell.pace.missed_share > 0.01)
    selection = pick([cell], Budget(rate_hz=30.0))
    assert selection.complete == kept
    if kept:
        assert "caution: 18 of 4,512 periods" in explain(selection)


@pytest.mark.parametrize("max_latency_ns", [None, 20e6])
def test_without_a_rate_a_paced_cell_is_held_to_its_own(max_latency_ns: float | None) -> None:
    slow = make_paced_cell(30.0, 40_000_000, artifact=make_artifact(sha256="d" * 64))
    selection = pick([slow, QUICK, make_paced_cell(200.0)], Budget(max_latency_ns=max_latency_ns))
    (answered,) = selection.answers
    assert answered.best
    assert answered.best.cell == QUICK
    assert {one.cell.plan.rate_hz for one in answered.rejected} == {30.0, 200.0}


def test_a_file_that_missed_its_rate_in_one_of_two_runs_does_not_keep_it() -> None:
    assert not pick([SLOW, QUICK]).complete


def test_a_rate_that_is_too_slow_to_measure_is_no_advice() -> None:
    text = answer(stalled(50, stall_ms=11_000, inferences=100))
    assert "missed (87.1%): no rate from 0.1/s on is slow enough" in text


def test_a_cell_that_misses_its_rate_is_on_no_frontier() -> None:
    (section,) = arrange([QUICK, SLOW])
    (points,) = section.frontiers().values()
    assert [point.cell for point in points] == [QUICK]
    (alone,) = arrange([SLOW])
    assert list(alone.frontiers().values()) == [()]


def test_counted_instructions_of_a_paced_cell_have_no_rate_to_keep() -> None:
    device = make_device(clock="virtual")
    slow = replace(SLOW, device=device)
    assert response_p99_ns(slow) is None
    assert pick([slow]).complete


@given(
    processes=st.lists(st.lists(st.integers(1, 200_000_000), min_size=1, max_size=40), min_size=1, max_size=3)
)
@settings(max_examples=60, deadline=None)
def test_the_p99_exceeds_the_period_exactly_where_more_than_one_percent_are_missed(
    processes: list[list[int]],
) -> None:
    plan = make_plan(rate_hz=30.0)
    assert plan.period_ns
    made = []
    for round, latencies in enumerate(processes):
        starts, due_ns = [], 0
        for latency_ns in latencies:
            starts.append(due_ns)
            due_ns += max(1, -(-latency_ns // plan.period_ns)) * plan.period_ns
        one = make_process(round, latencies_ns=tuple(latencies), starts_ns=tuple(starts))
        made.append(replace(one, warmup_ns=(), warmup_cut=0))
    cell = make_cell(plan=plan, processes=tuple(made))
    figure = response_p99_ns(cell)
    assert cell.pace
    assert figure
    assert (figure.estimate > plan.period_ns) == (100 * cell.pace.missed > cell.pace.periods)
    assert figure.low <= figure.estimate <= figure.high


def test_a_rate_that_nothing_was_measured_at_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="measured at 60/s; there are cells back to back, at 30/s"):
        pick([FREE, QUICK], Budget(rate_hz=60.0))


def test_the_probability_is_that_of_the_p99_within_the_period() -> None:
    assert pick([QUICK], Budget(rate_hz=30.0)).answers[0].probability == 1.0


def test_a_budget_with_a_rate_is_written_as_it_was_typed() -> None:
    assert budget_options(Budget(rate_hz=29.97, max_latency_ns=20e6)) == (
        *("--rate", "29.97"),
        *("--max-latency", "20ms"),
    )


def test_a_cell_is_named_by_its_rate() -> None:
    assert QUICK.name.endswith("-t1-r30")
    assert replace(QUICK, plan=replace(QUICK.plan, rate_hz=29.97, cpus="0-1")).name.endswith(
        "-t1-c0-1-r29.97"
    )


def test_the_answer_at_a_rate_shows_the_p99_that_it_is_ranked_by() -> None:
    text = answer(QUICK, rate_hz=30.0)
    assert re.search(r"\(at most [0-9.]+ ms\), paced p99 [0-9.]+ ms \(at most [0-9.]+ ms\), 0 of", text), text
