"""Experiments with noise whose truth is known, or that was recorded; seeds are fixed.

A model of noise stands in for the device; the code that judges real cells computes intervals and findings.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.analysis.comparison_rule import ComparisonResult, beyond_chance, decide, overall
from harness.analysis.intervals import median_bounds
from harness.analysis.margins import Margins
from harness.analysis.ratios import ratio_bounds
from harness.records import Interval

ITERATIONS = 100
POOL = 100_000
# Of a host with other work on both of its cores; the file's first line says where it comes from.
RECORDED_NOISE = Path(__file__).with_name("recorded_noise.txt")
PROCESS_COUNTS = (3, 5, 6, 8, 10, 20)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Relative sizes of what disturbs a latency; each process draws its own effect, slope and mode.

    Iterations follow an AR(1) of `correlation`, one in fifty is interrupted for 30 % of its time;
    `slope` is a process's change while it runs, `drift` the change from the first process to the last,
    `mode` how much slower `mode_share` of the processes are.
    """

    process: float = 0.01
    iteration: float = 0.01
    correlation: float = 0.0
    slope: float = 0.0
    drift: float = 0.0
    mode: float = 0.0
    mode_share: float = 0.3


@dataclass(frozen=True)
class Recorded:
    """Process medians of one program on one device, run after run, in the order of time."""

    medians: tuple[float, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read one median a line; lines that begin with `#` tell where they come from."""
        lines = path.read_text(encoding="ascii").splitlines()
        return cls(tuple(float(line) for line in lines if not line.startswith("#")))


SCENARIOS = {
    "independent": Noise(),
    "correlated": Noise(correlation=0.8),
    "drifting": Noise(correlation=0.8, slope=0.01, drift=0.01),
    "bimodal": Noise(correlation=0.8, mode=0.04),
    "all of them": Noise(correlation=0.8, slope=0.01, drift=0.01, mode=0.03),
    "all, 5 % apart": Noise(process=0.05, correlation=0.8, slope=0.02, drift=0.02, mode=0.1),
}


def iterations(noise: Noise, processes: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Logarithms of latencies, (ITERATIONS, processes), without what a whole process has in common."""
    shocks = generator.standard_normal((ITERATIONS, processes), dtype=np.float32)
    innovation = np.float32(np.sqrt(1 - noise.correlation**2))
    series = np.empty_like(shocks)
    series[0] = shocks[0]
    for index in range(1, ITERATIONS):
        series[index] = np.float32(noise.correlation) * series[index - 1] + innovation * shocks[index]
    series *= np.float32(noise.iteration)
    series += (generator.random(series.shape, dtype=np.float32) < 0.02) * np.float32(0.3)
    slopes = generator.normal(0, noise.slope, processes).astype(np.float32)
    ramp: NDArray[np.float32] = np.linspace(-0.5, 0.5, ITERATIONS, dtype=np.float32)[:, None] * slopes
    return series + ramp


@cache
def medians_within(noise: Noise) -> Floats:
    """Logarithms of the medians of 100,000 processes, for what happens within a process."""
    generator = np.random.default_rng(1)
    medians: Floats = np.concatenate(
        [np.median(iterations(noise, POOL // 10, generator), axis=0) for _ in range(10)]
    )
    return medians


def draw_two_runs(
    noise: Noise | Recorded, experiments: int, processes: int, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Two runs of the same program, each (experiments, processes).

    Of recorded noise, neighbours in time, so that whatever changed from one run to the next stays in;
    either may be the first, so that a device that only became faster counts both ways.
    """
    if isinstance(noise, Noise):
        first = process_medians(noise, experiments, processes, generator)
        return first, process_medians(noise, experiments, processes, generator)
    series = np.array(noise.medians)
    starts = generator.integers(0, series.size - 2 * processes + 1, (experiments, 1))
    both = series[starts + np.arange(2 * processes)]
    both = np.where(generator.random((experiments, 1)) < 0.5, both, both[:, ::-1])
    return both[:, :processes], both[:, processes:]


def process_medians(noise: Noise, experiments: int, processes: int, generator: np.random.Generator) -> Floats:
    """Medians of the processes of many experiments, (experiments, processes), in the order of time."""
    # Processes are independent, so one large pool of them serves all experiments.
    logs = generator.choice(medians_within(noise), (experiments, processes))
    logs += generator.normal(0, noise.process, logs.shape)
    logs += noise.mode * (generator.random(logs.shape) < noise.mode_share)
    order = np.linspace(-0.5, 0.5, processes) if processes > 1 else np.zeros(1)
    logs += generator.normal(0, noise.drift, (experiments, 1)) * order
    medians: Floats = np.exp(logs)
    return medians


@cache
def true_median(noise: Noise) -> float:
    """What an unlimited number of processes would find in the middle of the experiment."""
    return float(np.median(process_medians(noise, 1_000_000, 1, np.random.default_rng(2))))


# Experiments --------------------------------------------------------------------------------------


def coverage(
    noise: Noise,
    processes: int,
    experiments: int,
    bounds: Callable[[Floats], tuple[Floats, Floats]] = median_bounds,
) -> float:
    """How often the interval holds the true median."""
    medians = process_medians(noise, experiments, processes, np.random.default_rng(processes))
    low, high = bounds(medians)
    return float(np.mean((low <= true_median(noise)) & (true_median(noise) <= high)))


def coverage_when_stopped(noise: Noise, precision: float, experiments: int) -> float:
    """The same when rounds go on from 5 to 20 until the half-width is below `precision`.

    Without drift over the experiment: when it is cut short, the middle it is judged by moves.
    """
    noise = replace(noise, drift=0.0)
    medians = process_medians(noise, experiments, 20, np.random.default_rng(20))
    held = np.zeros(experiments, dtype=bool)
    running = np.ones(experiments, dtype=bool)
    for processes in range(5, 21):
        low, high = median_bounds(medians[:, :processes])
        narrow = (high - low) / 2 <= precision * np.median(medians[:, :processes], axis=1)
        ends = running & (narrow | (processes == 20))
        held[ends] = ((low <= true_median(noise)) & (true_median(noise) <= high))[ends]
        running &= ~ends
    return float(held.mean())


def bootstrap_bounds(medians: Floats) -> tuple[Floats, Floats]:
    """What is not used: the percentile bootstrap over processes."""
    generator = np.random.default_rng(0)
    low, high = np.empty(len(medians)), np.empty(len(medians))
    for start in range(0, len(medians), 500):
        some = medians[start : start + 500]
        chosen = generator.integers(0, medians.shape[1], (400, medians.shape[1]))
        found = np.percentile(np.median(some[:, chosen], axis=2), (2.5, 97.5), axis=1)
        low[start : start + 500], high[start : start + 500] = found
    return low, high


def results(
    noise: Noise | Recorded, processes: int, slowdown: float, experiments: int, cells: int = 1
) -> dict[ComparisonResult, float]:
    """How often each finding results for a run of `cells` when the new program is slower by `slowdown`."""
    generator = np.random.default_rng(processes)
    base, same = draw_two_runs(noise, experiments * cells, processes, generator)
    new = (1 + slowdown) * same
    low, estimate, high, confidence = ratio_bounds(base, new)
    found: list[ComparisonResult] = []
    for index, (a, e, b) in enumerate(zip(low.tolist(), estimate.tolist(), high.tolist(), strict=True)):
        result = decide(Interval(estimate=e, low=a, high=b, confidence=confidence), Margins().latency)[0]
        if result == "worse" and not beyond_chance(base[index], new[index], cells):
            result = "inconclusive"
        found.append(result)
    runs = [overall(found[start : start + cells]) for start in range(0, len(found), cells)]
    kinds: tuple[ComparisonResult, ...] = ("worse", "inconclusive", "no worse", "better")
    return {kind: runs.count(kind) / experiments for kind in kinds}
