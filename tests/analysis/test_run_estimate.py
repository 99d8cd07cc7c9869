"""How long a run will take: the pace so far, else a rule."""

from msgspec.structs import replace

from builders import make_cell, make_plan, make_process
from harness.analysis.placements import cell_key
from harness.analysis.run_estimate import (
    VIRTUAL_SECOND,
    measured_spacing,
    seconds_by_rule,
    seconds_sustained,
)
from harness.records import Cell, Variant

VARIANT = Variant(width=1.0, resolution_px=224, precision="fp32")


def started(threads: int, *clock: str) -> Cell:
    processes = tuple(
        make_process(round_, started_at=f"2026-11-26T{time}+00:00") for round_, time in enumerate(clock)
    )
    return make_cell(plan=make_plan(threads=threads), processes=processes)


def test_the_pace_of_a_cell_is_the_median_time_from_its_processes_to_the_next_of_the_device() -> None:
    one = started(1, "10:00:00", "10:00:30", "10:01:00")
    two = started(2, "10:00:10", "10:00:40", "12:00:00")
    pace = measured_spacing([two, one])
    # one's third process is followed by none before two's, twelve o'clock.
    assert pace.of(cell_key(one.variant, one.plan)) == 10.0
    assert pace.overall is not None
    assert pace.of(("other", 1, None, None, None)) == pace.overall


def test_without_two_processes_or_a_time_that_can_be_read_there_is_no_pace() -> None:
    assert measured_spacing([]).overall is None
    assert measured_spacing([started(1, "10:00:00")]).overall is None
    process = replace(make_process(), started_at="yesterday")
    assert measured_spacing([make_cell(processes=(process, process))]).overall is None


def test_by_rule_a_process_takes_at_least_the_time_that_the_plan_asks_for() -> None:
    plan = make_plan(warmup_iterations=0, counted_iterations=0, min_iterations=1, min_seconds=7.0)
    plan = replace(plan, max_seconds=7.0)
    assert seconds_by_rule(plan, "real", VARIANT, on_host=False) == 9.0
    assert seconds_by_rule(plan, "real", VARIANT, on_host=True) == 7.5
    many = replace(plan, min_iterations=1000)
    assert seconds_by_rule(many, "real", VARIANT, on_host=False) == 9.0
    assert seconds_by_rule(many, "emulated", VARIANT, on_host=True) > 3000


def test_by_rule_a_paced_process_waits_for_its_slots() -> None:
    plan = make_plan(warmup_iterations=5, counted_iterations=3, min_iterations=4, min_seconds=1.0)
    paced = replace(plan, max_seconds=100.0, rate_hz=0.5)
    assert seconds_by_rule(paced, "real", VARIANT, on_host=False) == 2.0 + (5 + 3 + 4) * 2.0


def test_a_virtual_second_of_a_sustained_run_takes_longer_than_one_here() -> None:
    assert seconds_sustained(600, "real") == 600
    assert seconds_sustained(60, "virtual") == 60 * VIRTUAL_SECOND
