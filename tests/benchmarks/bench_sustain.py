"""How right the figures of a sustained run are: `python tests/benchmarks/bench_sustain.py`.

Really run on this machine (16 minutes in all):
1. One flat run of 600 s: the size of the runner's report.
2. Runs of 180 s of a runner that becomes 20 % slower at 60 s: second of the drop, and what is retained.

Simulated from the seconds of the first run, in blocks that keep neighbours together:
3. Twenty runs of 180 s that become 20 % slower at 60 s: in at least 19 the drop is within 2 s, and what is
   retained within 2 points of what was planted.
4. Forty flat runs: at most one has a drop.

Ends with exit code 1 when one of them is off its limit. Figures of a busy machine say nothing.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

import numpy as np
from bench_history import record
from msgspec.structs import replace

from harness.analysis.sustained import find_drop, summarize_sustained
from harness.devices.acquire import acquire
from harness.devices.device import Device
from harness.devices.inventory import resolve
from harness.lowering.artifact import lower_cached
from harness.measuring.plans import REAL
from harness.records import SustainedFigures, SustainedRun, Variant
from harness.records.sustained import INITIAL_SECONDS
from harness.runner.bundle import Bundle, ensure_bench_bundle, ensure_bundle
from harness.runner.deploy import deploy_artifact, deploy_bundle
from harness.runner.job import Job
from harness.runner.process import measure_process
from harness.runner.sustained import measure_sustained

VARIANT = Variant(width=0.25, resolution_px=128, precision="fp32")
SECONDS, STEP_AT, FACTOR = 180, 60, 1.2
BLOCK_SECONDS = 20
PLANTED_RUNS, FLAT_RUNS = 20, 40
WITHIN_SECONDS, WITHIN_RETAINED = 2, 0.02
MIN_FOUND, MAX_FALSE = 19 / 20, 1 / 40
MAX_REPORT_BYTES = 200_000
TRIAL_OPERATIONS = 100_000


@dataclass(frozen=True)
class SizedJob(Job):
    """Remembers how large the files were that it fetched."""

    sizes: dict[str, int] = field(default_factory=dict)

    def fetch(self, name: str) -> bytes:
        """See `Job.fetch`."""
        content = super().fetch(name)
        self.sizes[name] = len(content)
        return content


def main() -> int:
    """Run and simulate, print the figures beside their limits."""
    options = argparse.ArgumentParser()
    options.add_argument("--flat-seconds", type=int, default=600, help="of the real flat run; at least 180")
    options.add_argument("--planted", type=int, default=2, help="real runs with a planted step")
    chosen = options.parse_args()
    with host() as device:
        run, report_bytes = run_flat(device, chosen.flat_seconds)
        really = [run_planted(device) for _ in range(chosen.planted)]
    flat = [float(ns) for ns in run.median_ns if ns is not None]
    met = [report_is_small(report_bytes, chosen.flat_seconds), *really, *simulate(flat)]
    return 0 if all(met) else 1


@contextmanager
def host() -> Iterator[Device]:
    """This machine, locked."""
    (target,) = resolve(("host",))
    with acquire(target, print) as device:
        yield device


def run_for(device: Device, bundle: Bundle, seconds: int) -> tuple[SustainedRun, int]:
    """A sustained run, and the bytes of the runner's report."""
    stored = lower_cached(VARIANT)
    job = SizedJob(device, deploy_bundle(device, bundle, print), f"{device.folder}/jobs/bench-sustain")
    deployed = deploy_artifact(device, stored, print)
    run = measure_sustained(job, deployed, stored.artifact, replace(REAL, sampler=True), seconds)
    return run, job.sizes["report.json"]


def run_flat(device: Device, seconds: int) -> tuple[SustainedRun, int]:
    """An ordinary run."""
    run, size = run_for(device, ensure_bundle(device.info.abi), seconds)
    figures = summarize_sustained(run, device.info, seed=0)
    describe(f"flat, {seconds} s, real", figures)
    return run, size


def report_is_small(size: int, seconds: int) -> bool:
    """Whether ten minutes fit; a shorter run is scaled up, which overstates."""
    scaled = round(size * max(1.0, 600 / seconds))
    print(f"report of {seconds} s: {size:,} bytes; of ten minutes at most {MAX_REPORT_BYTES:,}")
    return record("sustain", "report bytes/limit", scaled / MAX_REPORT_BYTES, at_most=1.0).met


def run_planted(device: Device) -> bool:
    """A runner that really becomes slower: as many operations more as take a fifth of an inference."""
    operations = calibrate(device)
    bundle = ensure_bench_bundle(
        device.info.abi, slow_down_operations=operations, slow_down_from_second=STEP_AT
    )
    run, _ = run_for(device, bundle, SECONDS)
    known = [float(ns) for ns in run.median_ns if ns is not None]
    planted = median(known[:STEP_AT]) / median(known[STEP_AT:])
    figures = summarize_sustained(run, device.info, seed=0)
    describe(f"planted at {STEP_AT} s, {planted:.1%} left, real", figures)
    return is_right(figures, planted)


def calibrate(device: Device) -> int:
    """Operations that take a fifth of an inference."""
    stored = lower_cached(VARIANT)
    job = Job(device, deploy_bundle(device, ensure_bundle(device.info.abi), print), f"{device.folder}/jobs/b")
    deployed = deploy_artifact(device, stored, print)
    plain = measure_process(job, deployed, stored.artifact, REAL, round_=0).process
    bench = ensure_bench_bundle(device.info.abi, slow_down_operations=TRIAL_OPERATIONS)
    slow_job = Job(device, deploy_bundle(device, bench, print), f"{device.folder}/jobs/b")
    slow = measure_process(slow_job, deployed, stored.artifact, REAL, round_=0).process
    fast_ns, slow_ns = median(plain.latencies_ns), median(slow.latencies_ns)
    return round(TRIAL_OPERATIONS * (FACTOR - 1) * fast_ns / (slow_ns - fast_ns))


def simulate(flat: Sequence[float]) -> Iterator[bool]:
    """The simulated runs, from the seconds of a real one."""
    generator = np.random.default_rng(0)
    found = 0
    for _ in range(PLANTED_RUNS):
        values = resample(flat, generator)
        stepped = [*values[:STEP_AT], *(FACTOR * ns for ns in values[STEP_AT:])]
        drop = find_drop(stepped)
        retained = median(stepped[:INITIAL_SECONDS]) / median(stepped[3 * SECONDS // 4 :])
        near = drop is not None and abs(drop[0] - STEP_AT) <= WITHIN_SECONDS
        found += near and abs(retained - 1 / FACTOR) <= WITHIN_RETAINED
    print(f"simulated: {found} of {PLANTED_RUNS} planted steps found; at least {MIN_FOUND * PLANTED_RUNS:g}")
    yield record("sustain", "planted steps found", found / PLANTED_RUNS, at_least=MIN_FOUND).met
    false = sum(find_drop(resample(flat, generator)) is not None for _ in range(FLAT_RUNS))
    print(f"simulated: {false} of {FLAT_RUNS} flat runs have a drop; at most {MAX_FALSE * FLAT_RUNS:g}")
    yield record("sustain", "flat runs with a drop", false / FLAT_RUNS, at_most=MAX_FALSE).met


def resample(values: Sequence[float], generator: np.random.Generator) -> list[float]:
    """As many seconds as a run has, in blocks that begin anywhere and go round the end."""
    blocks = -(-SECONDS // BLOCK_SECONDS)
    starts = generator.integers(0, len(values), blocks)
    drawn = [values[(start + step) % len(values)] for start in starts for step in range(BLOCK_SECONDS)]
    return drawn[:SECONDS]


def is_right(figures: SustainedFigures, planted: float) -> bool:
    """Whether the drop and what is retained are near what was planted."""
    near = figures.drop is not None and abs(figures.drop.second - STEP_AT) <= WITHIN_SECONDS
    return near and abs(figures.retained - planted) <= WITHIN_RETAINED


def describe(what: str, figures: SustainedFigures) -> None:
    """One line."""
    drop = f"drop at {figures.drop.second} s" if figures.drop else "no drop"
    print(
        f"{what}: first {figures.initial_ns / 1e6:.3f} ms,"
        f" plateau {figures.plateau_ns.estimate / 1e6:.3f} ms,"
        f" {figures.retained:.1%} retained, {drop}"
    )


if __name__ == "__main__":
    sys.exit(main())
