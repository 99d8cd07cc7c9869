"""Starts of paced inferences against their schedule: what contradicts it is named."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from builders import make_cell, make_paced_cell, make_plan, make_process
from harness.errors import ReportRejected
from harness.records import Cell, ProcessReport
from harness.records.cell_checks import find_contradictions
from harness.records.decoding import Malformed, decode_json
from harness.records.schedule import Start, find_off_schedule, steady_starts, timed_starts
from harness.runner.report_checks import check_possible

PERIOD_NS = 100
PACED = make_paced_cell(30.0, 40_000_000)


def process(starts_ns: tuple[int, ...] | None, latencies_ns: tuple[int, ...], cut: int = 0) -> ProcessReport:
    return make_process(
        warmup_ns=latencies_ns[:cut],
        latencies_ns=latencies_ns[cut:],
        warmup_cut=cut,
        starts_ns=starts_ns,
    )


def test_each_inference_belongs_to_the_first_slot_that_is_left() -> None:
    # On time; late; over one period; over two; exactly one long, which misses nothing; again on time.
    measured = process((0, 130, 200, 400, 700, 800), (10, 60, 120, 201, 100, 10))
    assert list(timed_starts(measured, PERIOD_NS)) == [
        Start(0, 10, 1),
        Start(30, 60, 1),
        Start(0, 120, 2),
        Start(0, 201, 3),
        Start(0, 100, 1),
        Start(0, 10, 1),
    ]
    misses = [start.misses(PERIOD_NS) for start in timed_starts(measured, PERIOD_NS)]
    assert misses == [False, False, True, True, False, False]
    assert list(find_off_schedule(measured, PERIOD_NS)) == []


def test_a_late_start_can_miss_the_deadline_of_a_quick_inference() -> None:
    (first, second) = timed_starts(process((60, 200), (50, 50)), PERIOD_NS)
    assert (first.misses(PERIOD_NS), first.periods) == (True, 2)
    assert (second.late_ns, second.misses(PERIOD_NS)) == (0, False)


def test_inferences_cut_as_warm_up_keep_their_slots_and_are_not_counted() -> None:
    measured = process((0, 200, 300), (150, 50, 50), cut=1)
    assert list(find_off_schedule(measured, PERIOD_NS)) == []
    assert steady_starts([measured, measured], PERIOD_NS) == (Start(0, 50, 1),) * 4
    assert measured.timed_ns == (150, 50, 50)


def test_the_reported_time_has_the_pauses_of_the_schedule() -> None:
    measured = process((0, 200, 305), (150, 50, 50), cut=1)
    alone = replace(measured, starts_ns=None)
    assert measured.reported_ns - alone.reported_ns == 305 + 50 - (150 + 50 + 50)


@pytest.mark.parametrize(
    ("starts_ns", "period_ns", "named"),
    [
        (None, PERIOD_NS, "starts_ns is missing, planned were starts 100 ns apart"),
        ((0, 100), None, "starts_ns is given, planned were starts back to back"),
        ((0,), PERIOD_NS, "starts_ns has 1 starts, of 2 timed inferences"),
        ((0, 99), PERIOD_NS, "inference 1 began 1 ns before its slot"),
    ],
)
def test_what_is_off_the_schedule_is_named(
    starts_ns: tuple[int, ...] | None, period_ns: int | None, named: str
) -> None:
    (complaint,) = find_off_schedule(process(starts_ns, (10, 10)), period_ns)
    assert named in complaint


def test_a_report_off_the_schedule_is_refused_on_arrival() -> None:
    plan = make_plan(rate_hz=1000.0)
    check_possible(process((0, 1_000_000), (10, 10)), plan)
    with pytest.raises(ReportRejected, match="inference 1 began 1 ns before its slot"):
        check_possible(process((0, 999_999), (10, 10)), plan)


def test_a_paced_cell_does_not_contradict_itself() -> None:
    assert list(find_contradictions(PACED)) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"missed": 1}, "pace.missed is 1, but its starts give 372"),
        ({"skipped": 0}, "pace.skipped is 0, but its starts give 186"),
        ({"periods": 100}, "pace.periods is 100, but its starts give 372"),
        ({"lateness_p99_ns": 0.0}, "pace.lateness_p99_ns is 0, but its starts give 50000"),
        ({"lateness_max_ns": 9}, "pace.lateness_max_ns is 9, but"),
        ({"duty_cycle": 0.1}, "pace.duty_cycle is 0.1, but its starts give 0.600"),
        ({"period_ns": 1}, "pace.period_ns is 1, planned was 33333333"),
    ],
)
def test_a_figure_of_the_pace_that_its_starts_do_not_give_is_named(
    changes: dict[str, Any], named: str
) -> None:
    assert PACED.pace is not None
    (complaint,) = find_contradictions(replace(PACED, pace=replace(PACED.pace, **changes)))
    assert named in complaint


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        (replace(PACED, plan=replace(PACED.plan, rate_hz=None)), "starts_ns is given, planned were starts"),
        (replace(make_cell(), pace=PACED.pace), "pace.period_ns is 33333333, planned was None"),
    ],
)
def test_a_pace_that_was_not_planned_is_named(cell: Cell, named: str) -> None:
    assert named in next(find_contradictions(cell))


@pytest.mark.parametrize("rate_hz", [0.0, -30.0, 1001.0, "30"])
def test_a_rate_that_nobody_can_ask_for_is_refused_on_reading(rate_hz: object) -> None:
    document = json.loads(msgspec.json.encode(PACED))
    document["plan"]["rate_hz"] = rate_hz
    with pytest.raises(Malformed, match=r"plan\.rate_hz"):
        decode_json(json.dumps(document), Cell)
