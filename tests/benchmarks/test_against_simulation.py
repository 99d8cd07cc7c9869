"""The simulation of `bench_against.py`: which process is whose, and that it tells the designs apart."""

import numpy as np
from against_simulation import interleaved, one_after_the_other, read_recorded, results


def test_both_sides_are_in_every_round_in_both_orders() -> None:
    pairs = interleaved(50, np.random.default_rng(0)).reshape(-1, 2)
    assert (pairs.sum(axis=1) == 1).all()
    assert 0 < pairs[:, 0].sum() < 50
    assert one_after_the_other(3, np.random.default_rng(0)).tolist() == [False] * 3 + [True] * 3


def test_a_change_of_state_blames_the_program_only_where_runs_follow_each_other() -> None:
    recorded = read_recorded()
    same = results(recorded, slowdown=0.0, trials=25)
    assert same["worse"] == same["better"] == 0
    assert results(recorded, slowdown=0.05, trials=25)["worse"] > 0.9
    apart = results(recorded, slowdown=0.0, trials=25, design=one_after_the_other)
    assert apart["worse"] + apart["better"] > 0.2
