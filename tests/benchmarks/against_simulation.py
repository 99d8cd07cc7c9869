"""`run --against` on a device whose state changes half-way: recorded processes, the real analysis.

What is real: the median of each process and of its canary, recorded on `host` one after the other, with
whatever the machine did meanwhile; and all that judges them, from the processes' records to the result.
What is planted: the order inside each pair, the change of the device's state, which multiplies every time
after it, the canary's among them, and the slowness of the new program.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from builders import make_cell, make_plan, make_process
from harness.analysis.comparison import compare
from harness.analysis.comparison_rule import ComparisonResult
from harness.records import Cell, ProcessReport

RECORDED = Path(__file__).with_name("recorded_rounds.csv")
ROUNDS = 10
STATE_CHANGE = 0.04
KINDS: tuple[ComparisonResult, ...] = ("worse", "inconclusive", "no worse", "better")


class Timed(NamedTuple):
    """A recorded process."""

    median_ns: float
    canary_ns: float


Design = Callable[[int, np.random.Generator], np.ndarray]


def read_recorded(path: Path = RECORDED) -> list[Timed]:
    """Processes in the order in which they ran; lines that begin with `#` tell where they come from."""
    lines = [line for line in path.read_text(encoding="ascii").splitlines() if not line.startswith("#")]
    return [Timed(*map(float, line.split(","))) for line in lines]


def interleaved(rounds: int, generator: np.random.Generator) -> np.ndarray:
    """For each process in time whether it is new: both sides in every round, in random order."""
    first = generator.random(rounds) < 0.5
    return np.column_stack([first, ~first]).ravel()


def one_after_the_other(rounds: int, generator: np.random.Generator) -> np.ndarray:
    """All of the base, then all of new, as two runs do."""
    return np.arange(2 * rounds) >= rounds


def results(
    recorded: Sequence[Timed],
    *,
    slowdown: float,
    state_change: float = STATE_CHANGE,
    trials: int,
    design: Design = interleaved,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> dict[ComparisonResult, float]:
    """How often each result comes out of so many trials.

    A trial takes neighbours in time from the recording, forwards or backwards. The device becomes slower or
    faster by `state_change` at a process within a fifth of the middle, also between the sides of one round.
    """
    generator = np.random.default_rng(seed)
    series = np.array(recorded)
    found: list[ComparisonResult] = []
    for _ in range(trials):
        start = generator.integers(0, len(series) - 2 * rounds + 1)
        some = series[start : start + 2 * rounds]
        if generator.random() < 0.5:
            some = some[::-1]
        is_new = design(rounds, generator)
        changed_at = generator.integers(int(0.8 * rounds), int(1.2 * rounds) + 1)
        state = np.where(np.arange(2 * rounds) >= changed_at, 1 + state_change, 1.0)
        if generator.random() < 0.5:
            state = 1 / state
        medians, canaries = some[:, 0] * state * np.where(is_new, 1 + slowdown, 1.0), some[:, 1] * state
        sides = [_cell(medians[chosen], canaries[chosen]) for chosen in (~is_new, is_new)]
        found.append(compare([sides[0]], [sides[1]], paired=design is interleaved).cells[0].result)
    return {kind: found.count(kind) / trials for kind in KINDS}


def _cell(medians_ns: np.ndarray, canaries_ns: np.ndarray) -> Cell:
    """A cell as the harness builds it, with its verdict, of processes with these medians and canaries."""
    processes: list[ProcessReport] = [
        make_process(round_, int(median), canary_ns=int(canary), warmup_ns=())
        for round_, (median, canary) in enumerate(zip(medians_ns, canaries_ns, strict=True))
    ]
    plan = make_plan(processes=len(processes), warmup_iterations=0)
    return make_cell(plan=plan, processes=tuple(processes))
