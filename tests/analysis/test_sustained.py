"""Figures of a sustained run: first speed, plateau, what is retained, the first drop and what fell then."""

import numpy as np
import pytest
from msgspec.structs import replace

from builders import (
    QUIET,
    make_cell,
    make_device,
    make_sustained_cell,
    make_sustained_run,
)
from harness.analysis.comparison import compare
from harness.analysis.sustained import MOST_VALUES, find_drop, find_levels, summarize_sustained
from harness.errors import MeasurementError
from harness.records import ConditionsSample, Fell, SustainedFigures, SustainedRun

DEVICE = make_device()


def figures_of(run: SustainedRun) -> SustainedFigures:
    return summarize_sustained(run, DEVICE, seed=0)


def noisy(seconds: int, *, seed: int, step_at: int | None = None, factor: float = 1.2) -> list[float]:
    """Nanoseconds around 10 ms whose neighbours are alike, slower from a second on."""
    generator = np.random.default_rng(seed)
    values = np.zeros(seconds)
    for second in range(1, seconds):
        values[second] = 0.7 * values[second - 1] + generator.normal(0, 0.008)
    found: list[float] = (1e7 * np.exp(values)).tolist()
    return found if step_at is None else [*found[:step_at], *(factor * ns for ns in found[step_at:])]


def test_a_step_is_found_at_its_second_and_the_speed_that_is_left() -> None:
    figures = figures_of(make_sustained_run((60, 10.0), (120, 12.5)))
    assert figures.initial_ns == pytest.approx(10e6, rel=0.003)
    assert figures.plateau_ns.estimate == pytest.approx(12.5e6, rel=0.003)
    assert figures.plateau_ns.low <= figures.plateau_ns.estimate <= figures.plateau_ns.high
    assert figures.retained == pytest.approx(0.8, abs=0.005)
    assert figures.drop is not None
    assert figures.drop.second == 60
    assert figures.drop.before_ns == pytest.approx(10e6, rel=0.003)
    assert figures.drop.after_ns == pytest.approx(12.5e6, rel=0.003)
    assert figures.last_quarter_change is None


def test_a_flat_run_has_no_drop_and_retains_all() -> None:
    figures = figures_of(make_sustained_run((180, 10.0)))
    assert (figures.drop, figures.last_quarter_change) == (None, None)
    assert figures.retained == pytest.approx(1.0, abs=0.003)


def test_a_faster_end_is_no_drop() -> None:
    figures = figures_of(make_sustained_run((60, 10.0), (120, 8.0)))
    assert figures.drop is None
    assert figures.retained == pytest.approx(1.25, abs=0.01)


@pytest.mark.parametrize("seconds", [180, 600, 3600])
def test_steps_in_noise_are_found_within_two_seconds_and_flat_noise_has_none(seconds: int) -> None:
    for seed in range(3):
        assert find_drop(noisy(seconds, seed=seed)) is None
        found = find_drop(noisy(seconds, seed=seed, step_at=seconds // 3))
        assert found is not None
        assert abs(found[0] - seconds // 3) <= 2


def slow_run(seconds_each: int, slow_from_s: int, seconds: int) -> SustainedRun:
    """An inference takes whole seconds, from `slow_from_s` on 20 % more: most seconds have no value."""
    run = make_sustained_run((seconds, 10.0))
    median: list[int | None] = [None] * seconds
    for number, second in enumerate(range(0, seconds, seconds_each)):
        each_ns = seconds_each * 1_000_000_000 * (1.0 + 0.001 * (number * 7 % 3))
        median[second] = round(each_ns * (1.2 if second >= slow_from_s else 1.0))
    ran = tuple(int(ns is not None) for ns in median)
    return replace(run, median_ns=tuple(median), p90_ns=tuple(median), max_ns=tuple(median), inferences=ran)


@pytest.mark.parametrize("slow_s", [27, 12])
def test_a_drop_of_slow_inferences_lasts_seconds_and_not_inferences(slow_s: int) -> None:
    drop = figures_of(slow_run(3, 120 - slow_s, 120)).drop
    assert drop is not None
    assert drop.second == 120 - slow_s
    assert drop.after_ns / drop.before_ns == pytest.approx(1.2, abs=0.01)


def test_two_slow_inferences_are_no_level() -> None:
    assert find_drop([*[10e9] * 20, 12e9, 12e9], [*range(0, 220, 10), 220]) is None


def test_some_seconds_of_other_work_are_no_drop() -> None:
    for held_up in (1, 4, 9):
        assert figures_of(make_sustained_run((60, 10.0), (held_up, 20.0), (100, 10.0))).drop is None


def test_a_small_change_is_no_drop() -> None:
    assert figures_of(make_sustained_run((60, 10.0), (120, 10.4))).drop is None


def test_a_drop_in_small_steps_begins_where_it_adds_up() -> None:
    drop = figures_of(make_sustained_run((40, 10.0), (40, 10.4), (40, 10.8), (40, 11.2))).drop
    assert drop is not None
    assert drop.second == 80


def test_many_seconds_are_searched_by_blocks_and_levels_begin_where_they_do() -> None:
    values = noisy(10 * MOST_VALUES, seed=1, step_at=1234)
    assert [level.first for level in find_levels(values)] == [0, 1234]


def test_a_last_quarter_that_gets_slower_is_told() -> None:
    figures = figures_of(make_sustained_run(*((1, 10.0 + second / 50) for second in range(120))))
    assert figures.last_quarter_change == pytest.approx(0.047, abs=0.01)


def test_a_wave_that_returns_to_an_earlier_level_is_still_a_plateau() -> None:
    rising = [(1, 9.7 + second * 0.02) for second in range(15)]
    figures = figures_of(make_sustained_run((45, 10.0), *rising))
    assert figures.last_quarter_change is not None
    assert figures.last_quarter_change < 0.01


def test_seconds_without_an_inference_are_left_out_of_figures() -> None:
    run = make_sustained_run((60, 10.0))
    gap = {
        name: (*getattr(run, name)[:30], None, *getattr(run, name)[31:])
        for name in ("median_ns", "p90_ns", "max_ns")
    }
    figures = figures_of(replace(run, inferences=(*run.inferences[:30], 0, *run.inferences[31:]), **gap))
    assert figures.retained == pytest.approx(1.0, abs=0.003)


def test_an_inference_that_covers_the_last_quarter_gives_no_figures() -> None:
    run = make_sustained_run((60, 10.0))
    with pytest.raises(MeasurementError, match="no inference began in the last quarter"):
        figures_of(replace(run, median_ns=(*run.median_ns[:40], *(None,) * 20)))


# What fell ---------------------------------------------------------------------------------------------


def test_the_clock_that_fell_at_the_drop_is_named_with_its_cores() -> None:
    drop = figures_of(make_sustained_run((60, 10.0), (120, 12.5), khz=(1_800_000, 1_440_000))).drop
    assert drop is not None
    assert drop.unknown is None
    assert drop.fell == Fell(what="clock", name="cores 0-3", before=1_800_000, after=1_440_000)


def test_what_fell_is_also_known_where_a_run_of_hours_is_sampled_every_twelve_seconds() -> None:
    run = make_sustained_run((60, 10.0), (120, 12.5), khz=(1_800_000, 1_440_000))
    assert run.sampled is not None
    for first in range(12):
        seldom = replace(run.sampled, period_seconds=12.0, samples=run.sampled.samples[first::12])
        drop = figures_of(replace(run, sampled=seldom)).drop
        assert drop is not None
        assert drop.fell == Fell(what="clock", name="cores 0-3", before=1_800_000, after=1_440_000)


def test_where_no_clock_fell_the_status_that_rose_meanwhile_is_named() -> None:
    run = make_sustained_run((60, 10.0), (120, 12.5), khz=(1_800_000, 1_800_000))
    warm = replace(run, conditions_after=replace(run.conditions_after, thermal_status=2))
    drop = figures_of(warm).drop
    assert drop is not None
    assert drop.fell == Fell(what="thermal_status", name="Android's thermal status", before=0, after=2)
    flagged = replace(run, conditions_after=replace(run.conditions_after, throttled_flags=0x60006))
    drop = figures_of(flagged).drop
    assert drop is not None
    assert drop.fell is not None
    assert (drop.fell.what, drop.fell.before, drop.fell.after) == ("throttled_flags", 0, 0x60006)


@pytest.mark.parametrize(
    ("khz", "status", "flags", "reason"),
    [
        (None, 0, 0, "no sampler ran; no thermal status and no throttling flag rose"),
        ((1_800_000, 1_790_000), 0, None, "no cluster's clock fell by 5%; no thermal status rose"),
        (None, None, 0, "no sampler ran; no throttling flag rose"),
        (None, None, None, "no sampler ran; neither a thermal status nor throttling flags can be read"),
    ],
)
def test_a_drop_without_a_known_cause_has_the_reason(
    khz: tuple[int, int] | None, status: int | None, flags: int | None, reason: str
) -> None:
    run = make_sustained_run((60, 10.0), (120, 12.5), khz=khz)
    after = replace(run.conditions_after, thermal_status=status, throttled_flags=flags)
    drop = figures_of(replace(run, conditions_after=after)).drop
    assert drop is not None
    assert (drop.fell, drop.unknown) == (None, reason)


def test_samples_of_another_time_say_nothing() -> None:
    run = make_sustained_run((60, 10.0), (120, 12.5), khz=(1_800_000, 1_440_000))
    assert run.sampled is not None
    late = tuple(
        ConditionsSample(
            uptime_seconds=9000.0 + index, frequencies_khz=one.frequencies_khz, celsius=one.celsius
        )
        for index, one in enumerate(run.sampled.samples)
    )
    drop = figures_of(replace(run, sampled=replace(run.sampled, samples=late))).drop
    assert drop is not None
    assert "no sample of clocks was taken around that second" in (drop.unknown or "")


def test_on_a_virtual_clock_nothing_can_fall() -> None:
    run = make_sustained_run((60, 10.0), (120, 12.5), conditions_before=QUIET)
    drop = summarize_sustained(run, make_device(clock="virtual"), seed=0).drop
    assert drop is not None
    assert drop.unknown == "the device's clock is virtual: nothing of it can fall"


# The verdict, and other runs -----------------------------------------------------------------------------


def test_a_sustained_run_leaves_the_cells_other_figures_and_its_comparison() -> None:
    plain = make_cell()
    hot = make_sustained_cell(make_sustained_run(*((1, 10.0 + second / 50) for second in range(120))), plain)
    assert hot.latency == plain.latency
    assert hot.verdict.status == "suspect"
    assert [reason.code for reason in hot.verdict.reasons] == ["still_falling"]
    found = compare([plain], [hot])
    assert [one.name for one in found.cells] == [plain.name]
    assert found.cells[0].cautions == ("sustained latency was measured in new only",)
    assert replace(found.cells[0], cautions=()) == compare([plain], [plain]).cells[0]
