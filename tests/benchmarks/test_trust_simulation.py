"""The simulation behind docs/verdicts.md, in small: it must show what the page claims."""

import numpy as np
import pytest
from trust_simulation import (
    RECORDED_NOISE,
    SCENARIOS,
    Noise,
    Recorded,
    bootstrap_bounds,
    coverage,
    coverage_when_stopped,
    draw_two_runs,
    results,
)

EXPERIMENTS = 4000  # one standard error of a 95 % coverage: 0.34 %


@pytest.mark.parametrize("processes", [3, 5, 6, 10, 20])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_intervals_cover_the_true_median(scenario: str, processes: int) -> None:
    assert 0.93 <= coverage(SCENARIOS[scenario], processes, EXPERIMENTS) <= 0.97


def test_the_simulation_can_fail_an_interval() -> None:
    assert coverage(SCENARIOS["all of them"], 8, 1000, bootstrap_bounds) < 0.93


def test_stopping_at_a_precision_costs_little_coverage() -> None:
    assert coverage_when_stopped(SCENARIOS["all of them"], 0.02, EXPERIMENTS) >= 0.92


@pytest.mark.parametrize("processes", [5, 10])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_program_is_rarely_called_worse_than_itself(scenario: str, processes: int) -> None:
    assert results(SCENARIOS[scenario], processes, 0.0, EXPERIMENTS)["worse"] <= 0.03


def test_a_slow_down_of_five_percent_is_found() -> None:
    assert results(SCENARIOS["correlated"], 5, 0.05, 2000)["worse"] >= 0.9
    assert results(Noise(process=0.02, correlation=0.8), 10, 0.05, 2000)["worse"] >= 0.9


@pytest.mark.parametrize("processes", [5, 10, 20])
def test_recorded_noise_is_rarely_called_a_slow_down(processes: int) -> None:
    recorded = Recorded.read(RECORDED_NOISE)
    assert len(recorded.medians) >= 200
    assert results(recorded, processes, 0.0, EXPERIMENTS)["worse"] <= 0.05
    assert results(recorded, processes, 0.2, 1000)["worse"] >= 0.9


def test_recorded_runs_are_neighbours_in_time_either_one_first() -> None:
    first, second = draw_two_runs(Recorded(tuple(range(100))), 500, 5, np.random.default_rng(0))
    either = {tuple(row) for row in np.diff(np.concatenate([first, second], axis=1)).tolist()}
    assert either == {(1.0,) * 9, (-1.0,) * 9}


def test_many_cells_do_not_add_up_to_a_false_alarm() -> None:
    assert results(SCENARIOS["all, 5 % apart"], 10, 0.0, 500, cells=16)["worse"] <= 0.05
