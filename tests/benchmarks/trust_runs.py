"""Real runs whose right answer is known: the same program twice, one made slower, a machine kept busy."""

import dataclasses
import itertools
import math
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from harness import run
from harness.accuracy.workplace import Workplace
from harness.analysis.cells import build_cell
from harness.analysis.comparison import compare
from harness.analysis.comparison_rule import ComparisonResult
from harness.devices.inventory import resolve
from harness.devices.target import Target
from harness.measuring.parallel import FindBundle, measure_on
from harness.records import Cell, RunRequest
from harness.runner.bundle import ensure_bench_bundle, ensure_bundle

# Enough to tell an operation's cost within a few percent, a quarter of an inference on a host.
PROBING_OPERATIONS = 100_000
# The shell's own loop, beside the runner for as long as that runs.
KEEP_BUSY = ("sh", "-c", 'while :; do :; done & "$@"; code=$?; kill $!; exit $code', "sh")


class Compared(NamedTuple):
    """Two cells and what `harness compare` finds."""

    base: Cell
    new: Cell
    result: ComparisonResult
    ratio: float


class Slowness(NamedTuple):
    """How many operations of the bench build make the program slower by a share."""

    share: float
    operations: int


def find_target(device: str) -> Target:
    (target,) = resolve((device,))
    return target


def measure(target: Target, *, seed: int, find_bundle: FindBundle = ensure_bundle) -> Cell:
    """Do what `harness run --width 0.25 --resolution 128 --precision fp32` does; the rest is its default.

    Raises:
        HarnessError: it could not be measured.
    """
    request = RunRequest(
        devices=(target.name,),
        widths=(0.25,),
        resolutions_px=(128,),
        precisions=("fp32",),
        threads=(1,),
        seed=seed,
    )
    with tempfile.TemporaryDirectory() as folder:
        workplace = Workplace(measure=partial(measure_on, find_bundle=find_bundle))
        outcome = run.measure(request, (target,), Path(folder), lambda _: None, workplace=workplace)
    if outcome.errors:
        raise outcome.errors[0]
    (cell,) = outcome.cells
    return cell


def measure_slowed(target: Target, operations: int, *, seed: int) -> Cell:
    """Measure with a bench build, and judge the cell as if its build were an ordinary one.

    Its mark is taken off here and nowhere else: `compare` decides nothing by a bench build.
    """
    bundle = partial(ensure_bench_bundle, slow_down_operations=operations)
    cell = measure(target, seed=seed, find_bundle=bundle)
    processes = tuple(msgspec.structs.replace(one, build_type="Release") for one in cell.processes)
    return build_cell(cell.device, cell.artifact, cell.plan, processes, cell.parity, cell.failure)


def find_slowness(target: Target, share: float) -> Slowness:
    """Measure what an operation costs, in what the device is judged by."""
    plain, probed = (_figure(measure_slowed(target, n, seed=0)) for n in (0, PROBING_OPERATIONS))
    return Slowness(share, round(share * plain * PROBING_OPERATIONS / (probed - plain)))


def _figure(cell: Cell) -> float:
    if cell.device.emulated and cell.instructions_per_inference:
        return cell.instructions_per_inference
    return float(np.median(medians_of(cell)))


def medians_of(cell: Cell) -> list[float]:
    """The medians of its processes, in the order of time."""
    in_time = sorted(cell.processes, key=lambda process: process.started_at)
    return [float(np.median(process.latencies_ns)) for process in in_time]


def compare_with_itself(target: Target, times: int) -> list[Compared]:
    """Measure the same program twice, again and again."""
    return [
        _compare(measure(target, seed=2 * i), measure(target, seed=2 * i + 1), f"{i + 1}/{times} the same")
        for i in range(times)
    ]


def compare_with_slower(target: Target, slowness: Slowness, times: int) -> list[Compared]:
    """Measure a program and the same one made slower, again and again: both of the same build."""
    return [
        _compare(
            measure_slowed(target, 0, seed=2 * i),
            measure_slowed(target, slowness.operations, seed=2 * i + 1),
            f"{i + 1}/{times} {slowness.share:.1%} slower",
        )
        for i in range(times)
    ]


def compare_neighbours(compared: Sequence[Compared]) -> list[Compared]:
    """What the base sides, one after the other, are found to be: all are the same program."""
    return [_compare(first.base, second.base, "the same") for first, second in itertools.pairwise(compared)]


def measure_while_busy(target: Target, times: int) -> list[Cell]:
    """Measure beside a process that never sleeps."""
    busy = dataclasses.replace(target, launcher=KEEP_BUSY)
    cells = []
    for i in range(times):
        cells.append(measure(busy, seed=i))
        reasons = ", ".join(reason.code for reason in cells[-1].verdict.reasons)
        say(f"{target.name} {i + 1}/{times} busy: {cells[-1].verdict.status}: {reasons}")
    return cells


def is_flagged_busy(cell: Cell) -> bool:
    """Whether the verdict says that something else ran."""
    return cell.verdict.status != "valid" and any(one.code == "busy" for one in cell.verdict.reasons)


def _compare(base: Cell, new: Cell, what: str) -> Compared:
    (found,) = compare([base], [new]).cells
    say(f"{new.device.name} {what}: {found.result}, {found.why}")
    cost = found.figure("instructions" if new.device.emulated else "latency")
    return Compared(base, new, found.result, cost.change.estimate if cost and cost.change else math.nan)


def say(text: str) -> None:
    """Tell how far it is; the table alone goes to stdout."""
    print(text, file=sys.stderr, flush=True)
