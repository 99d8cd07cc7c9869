"""Figures of cells over runs: which belong together, where they changed, and whether that is new."""

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from builders import failed, make_cell, make_device, make_plan, with_accuracy, with_verdict
from harness.analysis.history import trace
from harness.errors import UsageError
from harness.records import Cell, Conditions, HeldClock, Temperature
from past_runs import COUNTED, counted, nights, past_run, timed, trend_of

FLAT = tuple(10e6 * np.exp(np.random.default_rng(3).normal(0, 0.003, 30)))


def with_step(at: int, factor: float) -> list[float]:
    return [value * (factor if index >= at else 1) for index, value in enumerate(FLAT)]


def test_a_slower_program_is_named_at_its_run_with_both_revisions() -> None:
    trend = trend_of(trace(nights([timed(one) for one in with_step(20, 1.03)])), "latency")
    (change,) = trend.changes
    assert (change.at, change.previous, change.direction) == (20, 19, "worse")
    assert change.change == pytest.approx(0.03, abs=0.006)
    assert trend.points[change.at].git_revision == "0000020" + "a" * 33
    assert trend.points[change.previous].git_revision == "0000019" + "a" * 33


def test_runs_without_a_change_have_none() -> None:
    history = trace(nights([timed(one) for one in FLAT]))
    assert [trend.changes for trend in history.trends] == [()] * len(history.trends)
    assert not history.newly_worse


def test_runs_are_ordered_by_their_time_and_copies_count_once() -> None:
    runs = nights([counted(7_600_000), counted(7_600_000), counted(8_000_000)])
    trend = trend_of(trace([runs[2], runs[0], runs[1], runs[0]]), "instructions")
    assert [point.run_id for point in trend.points] == ["night-00", "night-01", "night-02"]
    assert [change.at for change in trend.changes] == [2]


def test_of_copies_of_a_run_the_one_with_the_most_cells_counts_in_any_order() -> None:
    whole, part = past_run(0, COUNTED, replace(COUNTED, plan=make_plan(threads=2))), past_run(0, COUNTED)
    for runs in ([whole, part], [part, whole]):
        history = trace(runs)
        assert history.runs == 1
        assert len({trend.name for trend in history.trends}) == 2


def test_two_runs_of_one_id_with_different_cells_are_refused_by_their_id() -> None:
    with pytest.raises(
        UsageError, match="two runs have the id night-00 and differ, for example in the cell "
    ):
        trace([past_run(0, COUNTED), past_run(0, counted(8_000_000))])


def test_times_with_and_without_a_zone_can_be_ordered() -> None:
    early = past_run(0, COUNTED, started_at="2026-01-01T00:00:00")
    late = past_run(1, COUNTED, started_at="2026-01-01T01:00:00+00:00")
    trend = trend_of(trace([late, early]), "instructions")
    assert [point.run_id for point in trend.points] == ["night-00", "night-01"]


def test_a_run_without_a_time_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="run night-00 started at 'yesterday', which is not a time"):
        trace([past_run(0, COUNTED, started_at="yesterday")])


@pytest.mark.parametrize("share", [0.0, 1.0, float("nan")])
def test_a_smallest_change_out_of_range_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match=r"--min-change: it must be above 0 % and below 100 %"):
        trace([past_run(0, COUNTED)], smallest_change=share)


def test_time_of_an_emulator_is_no_trend() -> None:
    history = trace(nights([COUNTED] * 3))
    assert {trend.figure for trend in history.trends} == {"instructions", "peak RSS", "file size"}


def test_an_exact_count_changes_at_the_newest_run_and_is_new_there_only() -> None:
    cells = [counted(7_600_000), counted(7_600_000), counted(7_700_000)]
    assert trace(nights(cells)).newly_worse
    assert not trace(nights([*cells, counted(7_700_000)])).newly_worse
    assert not trace(nights([*cells[:2], counted(7_500_000)])).newly_worse


def test_a_change_below_the_smallest_is_left_out() -> None:
    cells = [counted(7_600_000), counted(7_600_000), counted(7_700_000)]
    assert trend_of(trace(nights(cells), smallest_change=0.02), "instructions").changes == ()


def test_a_noisy_change_is_new_in_one_run_alone() -> None:
    values = with_step(20, 1.03)
    new = [
        count
        for count in range(18, 31)
        if trend_of(trace(nights([timed(one) for one in values[:count]])), "latency").newly_worse
    ]
    assert len(new) == 1
    assert 21 <= new[0] <= 25


def test_a_change_in_another_machines_older_runs_is_not_new() -> None:
    pi = [counted(7_600_000), counted(7_700_000)]
    other = timed(10e6)
    history = trace([*nights(pi), past_run(2, other)])
    assert not history.newly_worse


def on_device(**changes: Any) -> Cell:
    return timed(10e6, make_cell(device=make_device(**changes)))


@pytest.mark.parametrize(
    "facts",
    [{"model": "Raspberry Pi 5"}, {"soc": "BCM2712"}, {"cores": ()}, {"memory_total_bytes": 8 * 10**9}],
)
def test_two_machines_of_one_name_are_never_one_trend(facts: dict[str, Any]) -> None:
    history = trace(nights([on_device(), on_device(**facts)]))
    latencies = [trend for trend in history.trends if trend.figure == "latency"]
    assert [len(trend.points) for trend in latencies] == [1, 1]
    assert len({trend.name for trend in latencies}) == 2


def test_a_machine_is_the_same_after_a_restart_and_an_update() -> None:
    facts = {"boot_id": "b", "kernel": "6.6", "os": "Debian 13", "memory_total_bytes": 3_990_000_000}
    history = trace(nights([on_device(boot_id="a"), on_device(**facts)]))
    assert len(trend_of(history, "latency").points) == 2


def test_what_else_changed_is_named_at_the_change() -> None:
    newer = replace(counted(8_000_000), device=replace(COUNTED.device, kernel="6.6"))
    trend = trend_of(trace(nights([counted(7_600_000), newer])), "instructions")
    assert trend.changes[0].also_changed == ("device kernel: none before, 6.6 after",)


def in_state(celsius: float, khz: int, latency_ns: float) -> Cell:
    cell = timed(latency_ns)
    warm = Conditions(temperatures=(Temperature(zone="cpu-thermal", index=0, celsius=celsius),))
    processes = tuple(replace(one, conditions_before=warm) for one in cell.processes)
    held = HeldClock(cores="4-7", held_khz=khz, max_khz=3_400_000, source="sampler")
    return replace(cell, processes=processes, held_clocks=(held,))


def test_at_a_change_of_times_temperatures_and_clocks_of_both_sides_are_compared() -> None:
    """By their medians: one night that was warmer by chance explains nothing."""
    states = [(31.0, 3_400_000, 8e6)] * 5 + [(36.2, 1_980_000, 9e6)] * 5
    states[4], states[5] = (40.0, 3_400_000, 8e6), (25.0, 1_980_000, 9e6)
    trend = trend_of(trace(nights([in_state(*state) for state in states])), "latency")
    assert trend.changes[0].also_changed == (
        "runs began 5.2 °C warmer (median 31.0 to 36.2 °C)",
        "cores 4-7 held 3.40 GHz before, 1.98 GHz after",
    )


def test_temperatures_and_clocks_that_hardly_differ_are_not_named() -> None:
    states = [(31.0, 3_400_000, 8e6)] * 5 + [(33.9, 3_300_000, 9e6)] * 5
    trend = trend_of(trace(nights([in_state(*state) for state in states])), "latency")
    assert len(trend.changes) == 1
    assert trend.changes[0].also_changed == ()


@pytest.mark.parametrize(
    "plan",
    [
        *(make_plan(threads=2), make_plan(cpus="0-1"), make_plan(rate_hz=30.0)),
        *(make_plan(tune_device=True), make_plan(task_profile="top-app")),
    ],
)
def test_another_placement_is_another_trend_with_another_name(plan: Any) -> None:
    other = replace(timed(10e6), plan=plan)
    history = trace([past_run(0, timed(10e6), other)])
    assert len({trend.name for trend in history.trends if trend.figure == "latency"}) == 2


def test_cells_that_differ_only_in_weights_are_trends_apart() -> None:
    trained = with_accuracy(timed(10e6), 0.6)
    weights = replace(trained.variant.weights, sha256="b" * 64)
    other = replace(trained, variant=replace(trained.variant, weights=weights))
    history = trace([past_run(0, trained, other)])
    assert len({trend.name for trend in history.trends if trend.figure == "accuracy"}) == 2


def test_weights_that_were_trained_again_continue_a_trend() -> None:
    trained = with_accuracy(timed(10e6), 0.6)
    weights = replace(trained.variant.weights, sha256="b" * 64)
    again = replace(trained, variant=replace(trained.variant, weights=weights))
    assert len(trend_of(trace(nights([trained, again])), "accuracy").points) == 2


def test_a_lower_accuracy_is_worse() -> None:
    accuracies = [0.70] * 8 + [0.60] * 5
    cells = [with_accuracy(timed(10e6), one) for one in accuracies]
    (change,) = trend_of(trace(nights(cells)), "accuracy").changes
    assert (change.at, change.direction) == (8, "worse")
    assert change.change == pytest.approx(-0.1)


def test_an_invalid_cell_is_left_out_and_counted() -> None:
    history = trace(nights([counted(7_600_000), failed(COUNTED), counted(7_600_000)]))
    assert history.left_out == {"failed": 1}
    assert len(trend_of(history, "instructions").points) == 2


def test_a_disturbed_latency_is_shown_and_decides_nothing() -> None:
    values = with_step(12, 1.5)[:24]
    cells = [timed(one) for one in values]
    cells[12:] = [with_verdict(one, "suspect", "throttled", "slower") for one in cells[12:]]
    trend = trend_of(trace(nights(cells)), "latency")
    assert trend.changes == ()
    assert [point.left_out for point in trend.points[11:13]] == [None, "throttled"]


def test_a_change_after_a_disturbed_run_is_between_the_runs_that_count() -> None:
    values = with_step(15, 1.1)
    cells = [timed(one) for one in values]
    cells[14] = with_verdict(cells[14], "suspect", "throttled", "slower")
    (change,) = trend_of(trace(nights(cells)), "latency").changes
    assert (change.previous, change.at) == (13, 15)


def test_conditions_at_the_start_are_no_part_of_the_identity() -> None:
    hot = replace(timed(10e6).processes[0], conditions_before=Conditions())
    other = replace(timed(10e6), processes=(hot,))
    assert len(trend_of(trace(nights([timed(10e6), other])), "latency").points) == 2
