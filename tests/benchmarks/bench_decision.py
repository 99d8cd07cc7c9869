"""How often `harness pick` is right, over synthetic runs whose truth is known (`decision_oracle`).

`python tests/benchmarks/bench_decision.py [--runs N]`: a minute for 1,000 runs. Ends with exit code 1 when a
goal is missed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from decision_oracle import Run, draw_run
from trust_goals import Goal, at_least

from harness.analysis.budget import Budget
from harness.analysis.chance import chance_within
from harness.records import Cell

MOST_LOST_PP = 1.0
# Chances from here to there are counted as 90 %.
NEAR_90 = (0.87, 0.93)


def main() -> int:
    """Print the table of goals; the exit code is 1 when one is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000, help="synthetic runs; default 1000")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first run; default 0")
    options = parser.parse_args()
    goals = judge([draw_run(options.seed + number) for number in range(options.runs)])
    for goal in goals:
        print(f"{'ok  ' if goal.met else 'MISS'} {goal.what}: {goal.found} (wanted: {goal.wanted})")
    return 0 if all(goal.met for goal in goals) else 1


def judge(runs: Sequence[Run]) -> list[Goal]:
    """What pick decided in each run against the truth."""
    named = within = close = 0
    for run in runs:
        best = run.decide().answers[0].best
        if best is None:
            continue
        named += 1
        within += run.meets(best.cell)
        close += lost_pp(run, best.cell) <= MOST_LOST_PP
    return [
        at_least("the named variant truly meets the budget", within, named, 0.97),
        at_least(f"at most {MOST_LOST_PP:g} point is lost against the best", close, named, 0.95),
        calibration(runs),
    ]


def lost_pp(run: Run, chosen: Cell) -> float:
    """Points of true accuracy lost against the best evaluated cell that truly meets the budget."""
    fitting = [
        run.truth[cell.name].top1 for cell in run.cells if cell.accuracy is not None and run.meets(cell)
    ]
    return 100 * (max(fitting, default=0.0) - run.truth[chosen.name].top1)


def calibration(runs: Sequence[Run]) -> Goal:
    """How often a valid cell keeps a limit near its latency that it has a stated chance of 90 % to keep."""
    random = np.random.default_rng(0)
    right = []
    for run in runs:
        for cell in run.cells:
            latency_ns = run.truth[cell.name].latency_ns
            limit_ns = latency_ns * float(np.exp(random.uniform(-0.05, 0.05)))
            chance = chance_within(cell, None, Budget(max_latency_ns=limit_ns))
            if cell.verdict.status == "valid" and chance is not None and NEAR_90[0] <= chance <= NEAR_90[1]:
                right.append(latency_ns <= limit_ns)
    share = float(np.mean(right)) if right else 0.0
    return Goal(
        f"a stated probability of {NEAR_90[0]:.0%} to {NEAR_90[1]:.0%} is right",
        f"{share:.1%} of {len(right)}",
        "87 to 93 %",
        0.87 <= share <= 0.93,
    )


if __name__ == "__main__":
    sys.exit(main())
