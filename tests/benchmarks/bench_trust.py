"""How far the harness's intervals and findings can be trusted, in simulation: `python bench_trust.py`.

A model of noise with known truth stands in for the device, or, with `--recorded`, the processes of runs
that were measured; intervals and findings are computed by the code that judges real cells. Every table is
reproducible: the seeds are fixed.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.measuring.finding import Finding, beyond_chance, decide, overall
from harness.measuring.statistics import median_bounds, ratio_bounds
from harness.records import Interval
from harness.results import load_run

MARGIN = 0.03
ITERATIONS = 100
POOL = 100_000
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
    """Process medians of real cells, each relative to the median of its cell."""

    medians: tuple[float, ...]


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


def process_medians(
    noise: Noise | Recorded, experiments: int, processes: int, generator: np.random.Generator
) -> Floats:
    """Medians of the processes of many experiments, (experiments, processes), in the order of time."""
    if isinstance(noise, Recorded):
        return generator.choice(np.array(noise.medians), (experiments, processes))
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


def read_recorded(folders: Sequence[Path]) -> Recorded:
    """Take the noise of all cells with a real clock and three processes or more."""
    medians: list[float] = []
    for folder in folders:
        for cell in load_run(folder)[1]:
            own = np.array([np.median(process.latencies_ns) for process in cell.processes])
            if not cell.device.emulated and own.size >= 3:
                medians += (own / np.median(own)).tolist()
    return Recorded(tuple(medians))


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


def findings(
    noise: Noise | Recorded, processes: int, slowdown: float, experiments: int, cells: int = 1
) -> dict[Finding, float]:
    """How often each finding results for a run of `cells` when the new program is slower by `slowdown`."""
    generator = np.random.default_rng(processes)
    base = process_medians(noise, experiments * cells, processes, generator)
    new = (1 + slowdown) * process_medians(noise, experiments * cells, processes, generator)
    low, estimate, high, confidence = ratio_bounds(base, new)
    found: list[Finding] = []
    for index, (a, e, b) in enumerate(zip(low.tolist(), estimate.tolist(), high.tolist(), strict=True)):
        finding = decide(Interval(estimate=e, low=a, high=b, confidence=confidence), MARGIN)[0]
        if finding == "worse" and not beyond_chance(base[index], new[index], cells):
            finding = "inconclusive"
        found.append(finding)
    runs = [overall(found[start : start + cells]) for start in range(0, len(found), cells)]
    kinds: tuple[Finding, ...] = ("worse", "inconclusive", "no worse", "better")
    return {kind: runs.count(kind) / experiments for kind in kinds}


def print_coverage(experiments: int) -> None:
    """Coverage of the interval of the median, and of the bootstrap that it replaces."""
    print(f"\nThe 95 % interval holds the true median, in % of {experiments:,} experiments:")
    print(f"{'processes':>38}" + "".join(f"{count:>8}" for count in PROCESS_COUNTS))
    for name, noise in SCENARIOS.items():
        shares = [coverage(noise, count, experiments) for count in PROCESS_COUNTS]
        print(f"{name:>38}" + "".join(f"{100 * share:8.1f}" for share in shares))
    for name in ("independent", "all of them"):
        shares = [
            coverage(SCENARIOS[name], count, min(experiments, 2000), bootstrap_bounds)
            for count in PROCESS_COUNTS
        ]
        print(f"{name + ', percentile bootstrap':>38}" + "".join(f"{100 * share:8.1f}" for share in shares))
    print("\nThe same when rounds stop, between 5 and 20, as soon as the interval is within +-2 %:")
    for name, noise in SCENARIOS.items():
        print(f"{name:>38}{100 * coverage_when_stopped(noise, 0.02, experiments):8.1f}")


def print_findings(experiments: int, recorded: Recorded | None) -> None:
    """False alarms of equal programs, and how often a slow-down is found."""
    print(f"\n`compare` with a margin of 3 %, in % of {experiments:,} comparisons:")
    print(f"{'':>24}{'':>11}{'the same program':^33}{'slower by 5 %':^22}")
    print(
        f"{'noise':>24}{'processes':>11}{'worse':>11}{'inconcl.':>11}{'no worse':>11}"
        f"{'worse':>11}{'inconcl.':>11}"
    )
    sources: dict[str, Noise | Recorded] = {**SCENARIOS}
    for size in (0.005, 0.02):
        sources[f"processes {size:.1%} apart"] = Noise(process=size, correlation=0.8)
    if recorded:
        sources[f"recorded, {len(recorded.medians)} processes"] = recorded
    for name, noise in sources.items():
        for processes in (5, 10, 20):
            same = findings(noise, processes, 0.0, experiments)
            slower = findings(noise, processes, 0.05, experiments)
            shares = (
                same["worse"],
                same["inconclusive"],
                same["no worse"] + same["better"],
                slower["worse"],
                slower["inconclusive"],
            )
            print(f"{name:>24}{processes:>11}" + "".join(f"{100 * share:>11.1f}" for share in shares))
    print("\nA run of 16 cells of the same program is called worse, in %:")
    for processes in (5, 10, 20):
        found = findings(SCENARIOS["all, 5 % apart"], processes, 0.0, experiments // 10, cells=16)
        print(f"{'all, 5 % apart':>24}{processes:>11}{100 * found['worse']:>11.1f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Simulated coverage, false alarms and power.")
    parser.add_argument("--experiments", type=int, default=10_000)
    parser.add_argument(
        "--recorded", type=Path, nargs="+", metavar="RUN", help="take noise from these runs too"
    )
    options = parser.parse_args()
    started = time.monotonic()
    print_coverage(options.experiments)
    print_findings(options.experiments, read_recorded(options.recorded) if options.recorded else None)
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
