"""What measuring costs: `python tests/benchmarks/bench_runner.py`.

1. Nanoseconds that the runner's timed loop adds to an inference: its own loop against nothing but execute(),
   in turn, on a program that takes about a microsecond.
2. The runner's median for 1.0/224 against that of a bare `Module::forward` loop, one thread, short processes
   in turn: the median of the ratios of neighbours, with its 95 % interval.

Ends with exit code 1 when a cost is surely off its limit.
"""

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from bench_history import record

from harness.analysis.intervals import median_interval
from harness.lowering.artifact import lower_cached
from harness.records import RunnerReport, Variant
from harness.runner.bundle import Bundle, ensure_bundle
from harness.runner.bundle.toolchain import find_toolchain
from harness.runner.bundle.wheel import find_executorch, runs_natively
from harness.system.paths import DEVICE_SCRIPTS

SOURCES = Path(__file__).with_name("runner_costs")
PROGRAMS = Path(__file__).parent.parent / "device_scripts" / "make_programs.py"
MAX_COST_NS = 1000
MAX_DIFFERENCE = 0.02
ROUNDS = 30
ITERATIONS = 15
WARMUP = 3


def main() -> int:
    """Build the two programs, compare, and tell."""
    bundle = ensure_bundle("x86_64" if runs_natively("x86_64") else "arm64-v8a")
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        find_toolchain(bundle.abi).build(
            SOURCES,
            scratch / "build",
            find_executorch(bundle.abi),
            {"RUNNER_SOURCES": str(DEVICE_SCRIPTS / "runner")},
        )
        within = [compare_loops(bundle, scratch), compare_with_forward(bundle, scratch)]
    return 0 if all(within) else 1


def start_with(bundle: Bundle, program: Path, *words: object) -> str:
    """Run a program with the bundle's loader and libraries, as the runner is run."""
    folder = bundle.folder
    argv = [str(folder / bundle.loader), "--library-path", str(folder), str(program), *map(str, words)]
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=600).stdout


def compare_loops(bundle: Bundle, scratch: Path) -> bool:
    """Print what the timed loop adds; whether it is within the limit."""
    subprocess.run([sys.executable, "-W", "ignore", str(PROGRAMS), str(scratch)], check=True, timeout=300)
    program, input_file = scratch / "smallest.pte", scratch / "smallest.bin"
    printed = start_with(bundle, scratch / "build" / "timing_cost", program, input_file, 101, 2000)
    rounds = [tuple(map(float, line.split())) for line in printed.splitlines()]
    measured, bare = (statistics.median(column) for column in zip(*rounds, strict=True))
    cost = statistics.median(with_clock - without for with_clock, without in rounds)
    print(f"{'timing, per inference':32}{'bare':>12}{'measured':>12}{'cost':>12}{'limit':>12}")
    print(
        f"{'a program of one operator':32}{bare:9.0f} ns{measured:9.0f} ns{cost:9.0f} ns{MAX_COST_NS:9} ns\n"
    )
    return cost < MAX_COST_NS


def compare_with_forward(bundle: Bundle, scratch: Path) -> bool:
    """Print the two medians and their ratio; whether it is within the limit."""
    stored = lower_cached(Variant(width=1.0, resolution_px=224, precision="fp32"))
    files = (stored.program, stored.reference_input)

    def run_forward() -> float:
        printed = start_with(bundle, scratch / "build" / "bare_forward", *files, WARMUP, ITERATIONS)
        return statistics.median(map(int, printed.split()))

    def run_runner() -> float:
        report = scratch / "report.json"
        options = ["--model", files[0], "--input", files[1], "--report", report]
        counts = ["--warmup-iterations", WARMUP - 1, "--min-iterations", ITERATIONS]
        start_with(bundle, bundle.folder / "runner", *options, *counts)
        return statistics.median(msgspec.json.decode(report.read_bytes(), type=RunnerReport).latencies_ns)

    forward: list[float] = []
    runner: list[float] = []
    for round_ in range(ROUNDS):
        # Turn and turn about, so that neither always comes second.
        for run, medians in ((run_forward, forward), (run_runner, runner))[:: 1 if round_ % 2 else -1]:
            medians.append(run())
    return tell_ratio(forward, runner)


def tell_ratio(forward: Sequence[float], runner: Sequence[float]) -> bool:
    """Print medians over processes and the median ratio of neighbours."""
    ratio = median_interval([ours / bare for ours, bare in zip(runner, forward, strict=True)])
    bare_ms, runner_ms = (statistics.median(medians) / 1e6 for medians in (forward, runner))
    print(f"{'1.0/224 fp32, one thread':32}{'forward':>12}{'runner':>12}{'ratio':>12}{'limit':>12}")
    title = f"{len(runner)} processes each"
    print(f"{title:32}{bare_ms:9.3f} ms{runner_ms:9.3f} ms{ratio.estimate:12.4f}{f'± {MAX_DIFFERENCE}':>12}")
    print(f"95 % interval of the ratio: {ratio.low:.4f} to {ratio.high:.4f}")
    record("runner", "runner/forward, 1.0/224 fp32", ratio.estimate, at_most=1 + MAX_DIFFERENCE)
    if ratio.high - ratio.low > 2 * MAX_DIFFERENCE:
        print("This machine is too busy to tell: the interval is wider than the limit.")
    return ratio.low <= 1 + MAX_DIFFERENCE and ratio.high >= 1 - MAX_DIFFERENCE


if __name__ == "__main__":
    sys.exit(main())
