"""The simulated histories of bench_trends: what they hold, and that a few of them are read right."""

import numpy as np
from bench_trends import KINDS, RUNS, changes, judge, largest_gain, normal

from harness.analysis.change_points import segment_costs


def test_every_kind_of_noise_is_of_all_runs() -> None:
    assert {kind(np.random.default_rng(0)).size for kind in KINDS} == {RUNS}


def test_a_few_histories_are_read_right() -> None:
    quiet, close, _ = judge(normal, 5, np.random.default_rng(0))
    assert quiet.met, quiet
    assert close.met, close


def test_a_history_names_its_run() -> None:
    assert changes(normal(np.random.default_rng(1)) + np.where(np.arange(RUNS) >= 12, 0.1, 0)) == (12,)


def test_the_gain_of_a_step_grows_with_it() -> None:
    series = normal(np.random.default_rng(2)) / 0.007
    stepped = series + np.where(np.arange(RUNS) >= 15, 5.0, 0)
    assert largest_gain(segment_costs(stepped)) > 2 * largest_gain(segment_costs(series))
