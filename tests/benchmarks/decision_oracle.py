"""Synthetic runs whose truth is known: what `harness pick` decides is compared with what is true.

A run is one device with 16 shapes in two precisions and one or two placements. Latencies follow the noise
models of `trust_simulation`, with processes added as `harness run` does; accuracies are counted on images
that all networks share. One cell in ten is suspect, and every other of these was disturbed so that it seems
up to 10 % slower; in two of three runs some files have no accuracy. Budgets are drawn between the fastest and
the slowest cell.
"""

from dataclasses import dataclass
from itertools import product
from statistics import NormalDist

import msgspec
import numpy as np
from msgspec.structs import replace
from trust_simulation import SCENARIOS, Floats, Noise, process_medians, true_median

from builders import make_process, with_verdict
from harness import records
from harness.analysis.budget import Budget
from harness.analysis.intervals import median_interval
from harness.analysis.known_accuracy import published_top1
from harness.analysis.selection import Selection, pick
from harness.records import Cell, Variant
from harness.records.outcomes import Outcomes, outcomes_key
from harness.records.wilson import wilson_interval
from synthetic import PHONE, simulate_cell

WIDTHS = (0.25, 0.5, 0.75, 1.0)
RESOLUTIONS_PX = (128, 160, 192, 224)
# Validation images of Imagenette, test images of Fashion-MNIST, validation images of ImageNet. With 1,000 no
# rule can do well: the most accurate by count is then more than a point from the best in one run of fifteen.
IMAGES = (3_925, 10_000, 50_000)
# The defaults of `harness run`.
MIN_PROCESSES, MAX_PROCESSES, TARGET = 5, 20, 0.02
# A phone at rest; "all, 5 % apart" is what bench_trust calls too noisy to measure.
NOISES = tuple(noise for name, noise in SCENARIOS.items() if "5 %" not in name)
# Images differ in how hard they are; networks agree on most of them, as real ones do.
SHARED_DIFFICULTY = 0.8


@dataclass(frozen=True)
class Truth:
    """What an unlimited number of processes and images would find."""

    latency_ns: float
    peak_bytes: float
    top1: float


@dataclass(frozen=True)
class Run:
    """The cells of a synthetic run, the truth of each by name, and the budget asked for."""

    cells: tuple[Cell, ...]
    truth: dict[str, Truth]
    outcomes: dict[tuple[object, ...], Outcomes]
    budget: Budget

    def decide(self) -> Selection:
        """What `harness pick` answers."""
        return pick(self.cells, self.budget, outcomes=self.outcomes)

    def meets(self, cell: Cell) -> bool:
        """Whether the cell truly meets the budget."""
        truth, budget = self.truth[cell.name], self.budget
        return (
            (budget.max_latency_ns is None or truth.latency_ns <= budget.max_latency_ns)
            and (budget.max_memory_bytes is None or truth.peak_bytes <= budget.max_memory_bytes)
            and (budget.min_accuracy is None or truth.top1 >= budget.min_accuracy)
        )


def draw_run(seed: int) -> Run:
    """A run, its truth and a budget."""
    random = np.random.default_rng(seed)
    noise = NOISES[random.integers(len(NOISES))]
    images = int(random.choice(IMAGES))
    paired = bool(random.random() < 0.5)
    missing = float(random.choice((0.0, 0.1, 0.3)))
    speed = float(random.uniform(0.3, 3))
    difficulty = random.normal(size=images)
    cells: list[Cell] = []
    truth: dict[str, Truth] = {}
    outcomes: dict[tuple[object, ...], Outcomes] = {}
    for width, side, precision in product(WIDTHS, RESOLUTIONS_PX, ("fp32", "int8")):
        variant = Variant(
            width=width, resolution_px=side, precision=precision, weights=records.Weights(source="trained.pt")
        )
        template = _template(variant)
        published = published_top1(template)
        assert published is not None
        top1 = float(np.clip(published.estimate + random.normal(0, 0.01), 0.05, 0.95))
        accuracy, saved = _evaluate(template, top1, difficulty, random, paired=paired)
        known = random.random() >= missing
        for threads in (1, 2) if random.random() < 0.5 else (1,):
            latency_ns = _latency_ns(template) * speed * threads**-0.7
            cell, true = _measure(template, latency_ns, threads, noise, random)
            if known:
                cell = replace(cell, accuracy=accuracy)
                outcomes |= saved
            cells.append(cell)
            truth[cell.name] = Truth(true, float(template.artifact.size_bytes * 1.6 + 8e6), top1)
    return Run(tuple(cells), truth, outcomes, _draw_budget(truth, random))


def _latency_ns(cell: Cell) -> float:
    per_ms = 9e6 if cell.variant.precision == "fp32" else 22e6
    return (0.25 + (cell.artifact.macs or 0) / per_ms * (1 + 0.15 / cell.variant.shape[0])) * 1e6


_TEMPLATES: dict[Variant, Cell] = {}


def _template(variant: Variant) -> Cell:
    if variant not in _TEMPLATES:
        _TEMPLATES[variant] = simulate_cell(PHONE, variant, processes=1, samples=2)
    return _TEMPLATES[variant]


def _measure(
    template: Cell, latency_ns: float, threads: int, noise: Noise, random: np.random.Generator
) -> tuple[Cell, float]:
    """The cell that this many processes give, and its true latency; one in ten is suspect."""
    suspect, disturbed = random.random() < 0.1, random.random() < 0.5
    medians = process_medians(noise, 1, MAX_PROCESSES, random)[0] * latency_ns
    if suspect and disturbed:
        medians = medians * random.uniform(1.0, 1.1)
    count = MIN_PROCESSES
    while count < MAX_PROCESSES and median_interval(medians[:count]).relative_half_width > TARGET:
        count += 1
    medians = medians[:count]
    assert template.latency is not None
    peak = template.artifact.size_bytes * 1.6 + 8e6
    processes = tuple(
        make_process(
            round_,
            latencies_ns=(int(median),) * 3,
            peak_rss_bytes=int(peak * (1 + abs(random.normal(0, 0.002)))),
        )
        for round_, median in enumerate(medians)
    )
    cell = replace(
        template,
        plan=replace(template.plan, threads=threads, processes=count),
        processes=processes,
        latency=replace(template.latency, median_ns=median_interval(medians)),
    )
    if suspect:
        cell = with_verdict(cell, "suspect", "throttled", "the clock fell")
    return cell, latency_ns * true_median(noise)


def _evaluate(
    cell: Cell, top1: float, difficulty: Floats, random: np.random.Generator, *, paired: bool
) -> tuple[records.Accuracy, dict[tuple[object, ...], Outcomes]]:
    """Accuracy on the images, and the outcomes where they were saved."""
    own = random.normal(size=difficulty.size)
    hardness = SHARED_DIFFICULTY * difficulty + np.sqrt(1 - SHARED_DIFFICULTY**2) * own
    right = hardness < NormalDist().inv_cdf(top1)
    hits = int(right.sum())
    accuracy = records.Accuracy(
        top1=wilson_interval(hits, difficulty.size),
        top5=wilson_interval(difficulty.size, difficulty.size),
        images=difficulty.size,
        dataset="synthetic",
        split="validation",
        preprocessing="",
        measured_on=cell.device.name,
        agreement_with_eager=None,
    )
    if not paired:
        return accuracy, {}
    saved = Outcomes(
        accuracy=accuracy,
        artifact_sha256=cell.artifact.sha256,
        dataset_identity="d" * 64,
        preprocessing=msgspec.Raw(b"{}"),
        outcomes="".join("1" if one else "0" for one in right),
    )
    return accuracy, {outcomes_key(cell.artifact.sha256, accuracy): saved}


def _draw_budget(truth: dict[str, Truth], random: np.random.Generator) -> Budget:
    times = sorted(one.latency_ns for one in truth.values())
    low, high = np.log(times[2]), np.log(times[-1])
    memory = sorted(one.peak_bytes for one in truth.values())
    accuracies = sorted(one.top1 for one in truth.values())
    return Budget(
        max_latency_ns=float(np.exp(random.uniform(low, high))),
        max_memory_bytes=int(random.uniform(memory[len(memory) // 3], memory[-1]))
        if random.random() < 0.3
        else None,
        min_accuracy=float(random.uniform(accuracies[0], accuracies[len(accuracies) // 3]))
        if random.random() < 0.3
        else None,
    )
