"""The oracle of bench_decision draws the same runs again, and `pick` is right in nearly all of a few."""

from bench_decision import judge, lost_pp
from decision_oracle import draw_run


def test_a_run_is_drawn_the_same_again() -> None:
    assert draw_run(7) == draw_run(7)
    assert draw_run(7) != draw_run(8)


def test_pick_names_variants_that_truly_meet_the_budget() -> None:
    within, close, _ = judge([draw_run(seed) for seed in range(60)])
    assert within.met, within
    # Of so few runs one more may be lost by chance than of a thousand.
    found, _, of = close.found.partition(" of ")
    assert int(found) >= 0.9 * int(of)


def test_the_best_cell_loses_nothing() -> None:
    run = draw_run(3)
    fitting = [cell for cell in run.cells if cell.accuracy is not None and run.meets(cell)]
    best = max(fitting, key=lambda cell: run.truth[cell.name].top1)
    assert lost_pp(run, best) == 0
