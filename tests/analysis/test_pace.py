"""Cells measured at a rate: their figures, and which of them are compared and picked."""

import math
import re

import pytest
from msgspec.structs import replace

from builders import make_cell, make_paced_cell
from harness.analysis.budget import Budget
from harness.analysis.commands import budget_options
from harness.analysis.comparison import compare
from harness.analysis.selection import pick
from harness.analysis.selection_text import explain
from harness.errors import UsageError
from harness.records import Cell

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
    assert "1 thread at 30/s" in answer(QUICK, SLOW)


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
    assert "relax --rate to 24.9" in text
    assert "372 of 372 periods missed (100.0%)" in text


def test_a_cell_that_missed_deadlines_is_shipped_with_a_caution() -> None:
    text = answer(SLOW)
    assert "caution: 372 of 372 periods" in text


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
    assert re.search(r"\(at most [0-9.]+ ms\), p99 [0-9.]+ ms \(at most [0-9.]+ ms\), 0 of", text), text
