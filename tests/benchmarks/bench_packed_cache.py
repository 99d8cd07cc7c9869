"""How many instructions XNNPACK's packed cache saves at start, counted on `emulator`.

Run `python tests/benchmarks/bench_packed_cache.py [--width 1.0] [--resolution 224]`; the counts repeat, so
that a busy machine does not matter. Exit code 1 when the second launch needs more than half of the
instructions that initialization needs without a cache, or an output differs.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_history import record

from harness.records.run_folder import load_run

MOST_SHARE = 0.5


def main() -> int:
    """Print the counts and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--width", default="1.0")
    parser.add_argument("--resolution", default="224")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        subprocess.run(
            [
                *(sys.executable, "-m", "harness", "run", "--device", "emulator", "--out", str(folder)),
                *("--width", options.width, "--resolution", options.resolution, "--precision", "fp32"),
                *("--backend-options", "default,packed-cache"),
            ],
            check=True,
        )
        cells = {cell.plan.backend_options: cell for cell in load_run(folder)[1]}
    plain, packed = cells[None], cells["packed-cache"]
    first, second = packed.first_launch, packed.startup
    if not (plain.startup and first and second and plain.parity and packed.parity):
        print("a launch was not measured")
        return 1
    counts = [one.init_instructions or 0 for one in (plain.startup, first, second)]
    for name, count in zip(("without", "first launch", "second launch"), counts, strict=True):
        print(f"{name}: {count:,} instructions to initialize, {count / counts[0]:.2%}")
    inferences = [cell.instructions_per_inference or 0 for cell in (plain, packed)]
    print(f"an inference: {inferences[0]:,} without, {inferences[1]:,} with a packed cache")
    same = (plain.parity.max_abs_error, plain.parity.cosine) == (
        packed.parity.max_abs_error,
        packed.parity.cosine,
    )
    print(f"outputs differ from the eager model by the same: {same}")
    share = counts[2] / counts[0]
    recorded = record("packed cache", "init instructions, second launch/without", share, at_most=MOST_SHARE)
    return 0 if recorded.met and counts[2] and same else 1


if __name__ == "__main__":
    sys.exit(main())
