"""How often `harness history` names a step, and how often one that is not there, in simulated runs.

`python tests/benchmarks/bench_trends.py [--repeats N]`: a minute for 200. Ends with exit code 1 when a goal
is missed. `--calibrate` simulates the penalties of `change_points` instead: 20 minutes.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.random import Generator
from trust_goals import Goal, at_least

from harness.analysis.change_points import FALSE_ALARMS, PENALTIES, estimate_noise, segment_costs
from harness.analysis.history import trace
from harness.analysis.intervals import Floats

# Run as a script, Python does not look into the folder of the tests.
sys.path.insert(0, str(Path(__file__).parents[1]))
from past_runs import nights, timed, trend_of

RUNS = 30
STEP = float(np.log(1.03))
# A step is drawn with at least this many runs on each side.
FEWEST_BESIDE = 6
NOISE_SD = 0.007
# In simulation no partition with more changes gained more for each of them.
MOST_CHANGES = 3


def normal(random: Generator) -> Floats:
    """Runs on a machine in order."""
    return random.normal(0, NOISE_SD, RUNS)


def heavy_tailed(random: Generator) -> Floats:
    """Student's t with 3 degrees of freedom, of the same standard deviation."""
    values: Floats = NOISE_SD / np.sqrt(3) * random.standard_t(3, RUNS)
    return values


def held_up(random: Generator) -> Floats:
    """One run in twenty is slower by some 10 %."""
    return normal(random) + np.where(random.random(RUNS) < 0.05, random.exponential(0.1, RUNS), 0)


def correlated(random: Generator) -> Floats:
    """Neighbouring runs share a third of their noise."""
    noise = normal(random)
    for run in range(1, RUNS):
        noise[run] = 0.3 * noise[run - 1] + np.sqrt(1 - 0.3**2) * noise[run]
    return noise


KINDS: tuple[Callable[[Generator], Floats], ...] = (normal, heavy_tailed, held_up, correlated)


def main() -> int:
    """Print the table of goals; the exit code is 1 when one is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=200, help="histories of each kind; default 200")
    parser.add_argument("--seed", type=int, default=0, help="default 0")
    parser.add_argument("--calibrate", action="store_true", help="simulate the penalties instead")
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    if options.calibrate:
        for count in PENALTIES:
            print(count, f"{calibrate(count, random, 20_000 if count <= 30 else 2_000):.1f}", flush=True)
        return 0
    goals = [goal for kind in KINDS for goal in judge(kind, options.repeats, random)]
    for goal in goals:
        print(f"{'ok  ' if goal.met else 'MISS'} {goal.what}: {goal.found} (wanted: {goal.wanted})")
    return 0 if all(goal.met for goal in goals) else 1


def judge(kind: Callable[[Generator], Floats], repeats: int, random: Generator) -> list[Goal]:
    """Histories of 30 runs with this noise: flat ones, and ones with one step of 3 %."""
    name = kind.__name__.replace("_", " ")
    fewest_quiet, fewest_close = (0.97, 0.95) if kind is normal else (0.95, 0.9)
    quiet = named = close = 0
    for _ in range(repeats):
        quiet += changes(kind(random)) == ()
        at = int(random.integers(FEWEST_BESIDE, RUNS - FEWEST_BESIDE + 1))
        found = changes(kind(random) + np.where(np.arange(RUNS) >= at, STEP, 0))
        named += at in found
        close += any(abs(at - one) <= 1 for one in found)
    return [
        at_least(f"{name}: no change in {RUNS} flat runs", quiet, repeats, fewest_quiet),
        at_least(f"{name}: a step of 3 % found, the run or one beside it", close, repeats, fewest_close),
        at_least(f"{name}: the run itself named", named, repeats, 0.8),
    ]


def changes(series: Floats) -> tuple[int, ...]:
    """The runs at which a history of these logarithms names a change of latency."""
    history = trace(nights([timed(10e6 * float(np.exp(one))) for one in series]))
    return tuple(change.at for change in trend_of(history, "latency").changes)


def calibrate(count: int, random: Generator, repeats: int) -> float:
    """The penalty that FALSE_ALARMS of flat series with normal noise exceed."""
    gains = []
    for _ in range(repeats):
        series = random.normal(0, 1, count)
        gains.append(largest_gain(segment_costs(series / estimate_noise(series))))
    return float(np.quantile(gains, 1 - FALSE_ALARMS))


def largest_gain(costs: Floats) -> float:
    """The largest penalty at which some partition is better than none: the most that a change gains."""
    count = costs.shape[0]
    best = costs[0].copy()
    gains = []
    for changes in range(1, MOST_CHANGES + 1):
        following = np.full(count + 1, np.inf)
        for end in range(2, count + 1):
            following[end] = (best[1:end] + costs[1:end, end]).min()
        best = following
        gains.append((costs[0, count] - best[count]) / changes)
    return float(max(gains))


if __name__ == "__main__":
    sys.exit(main())
