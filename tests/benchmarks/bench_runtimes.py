"""One network by each runtime: logits against the eager network, latency side by side, and counts.

Run `python tests/benchmarks/bench_runtimes.py`; it takes the runtimes whose extras are installed. Latencies
are of `host`, in the same rounds: run it on an idle machine. Counts are of `emulator`. Exit code 1 when a
logit is off by more than 1e-4, or when the counts of processes differ by more than docs/runtimes.md says.
"""

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from bench_history import record

from harness.records import Cell
from harness.records.run_folder import read_cells

# What lowers for each runtime; none of these is imported here.
LOWERED_BY = {"executorch": "executorch", "litert": "litert_torch", "onnxruntime": "onnxscript"}
MOST_ERROR = 1e-4
# docs/runtimes.md: only ONNX Runtime's counts do not repeat to the digit.
MOST_SPREAD = {"executorch": 0.0, "litert": 0.0, "onnxruntime": 5e-4}


def main() -> int:
    """Print a row for each runtime."""
    runtimes = [name for name, module in LOWERED_BY.items() if find_spec(module)]
    if absent := LOWERED_BY.keys() - set(runtimes):
        print(f"not installed: {', '.join(sorted(absent))}; see the extras in docs/runtimes.md")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        subprocess.run(
            [
                *(sys.executable, "-m", "harness", "run", "--device", "host,emulator", "--out", str(folder)),
                *("--width", "0.25", "--resolution", "128", "--precision", "fp32", "--yes"),
                *("--runtime", ",".join(runtimes), "--fail-on", "invalid"),
            ],
            check=True,
        )
        cells = {(cell.device.name, cell.variant.runtime): cell for cell in read_cells(folder)}
    print(f"\n{'runtime':<12} {'median ms, 95 % interval':<28} {'largest error':<14} ARM instructions")
    met = [describe(name, cells["host", name], cells["emulator", name]) for name in runtimes]
    return 0 if all(met) else 1


def describe(name: str, host: Cell, emulated: Cell) -> bool:
    """Print a runtime's row; whether its logits and its counts are as promised."""
    if not (host.latency and host.parity and emulated.parity):
        print(f"{name:<12} was not measured")
        return False
    median = host.latency.median_ns
    latency = f"{median.estimate / 1e6:.3f} ({median.low / 1e6:.3f} to {median.high / 1e6:.3f})"
    error = max(host.parity.max_abs_error, emulated.parity.max_abs_error)
    counts = [one.instructions_per_inference or 0 for one in emulated.processes]
    spread = (max(counts) - min(counts)) / max(1, min(counts))
    print(f"{name:<12} {latency:<28} {error:<14.2e} {min(counts):,} to {max(counts):,}")
    near = record("runtimes", f"largest error of a logit/limit, {name}", error / MOST_ERROR, at_most=1.0)
    return near.met and min(counts) > 0 and spread <= MOST_SPREAD[name]


if __name__ == "__main__":
    sys.exit(main())
