"""How many of the processes of `--cold` really find nothing of program and libraries in memory, on `arm-vm`.

Run `python tests/benchmarks/bench_cold.py [--processes 25]`; the counts of pages are the kernel's own, so
that a busy machine does not matter. Exit code 1 when over one in a hundred processes had a page in memory.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from bench_history import record

from harness.records.run_folder import read_cells

LEAST_SHARE = 0.99


def main() -> int:
    """Print the share of cold processes, and what they had in memory before."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--processes", type=int, default=25, help="of each of the two variants")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "run"
        subprocess.run(
            [
                *(sys.executable, "-m", "harness", "run", "--device", "arm-vm", "--out", str(folder)),
                *("--width", "0.25", "--resolution", "128", "--precision", "fp32,int8", "--cold"),
                *("--processes", str(options.processes), "--min-time", "0s", "--iterations", "1"),
            ],
            check=True,
        )
        found = [one for cell in read_cells(folder) for one in (cell.cold.processes if cell.cold else ())]
    cold = sum(one.is_cold for one in found)
    before = sorted(one.resident_before_pages / one.pages for one in found)
    print(f"{cold} of {len(found)} processes had none of their pages in memory when they loaded")
    print(f"before they dropped them: {before[0]:.0%} to {before[-1]:.0%}")
    share = cold / (2 * options.processes)
    return 0 if record("cold", "share of cold processes, arm-vm", share, at_least=LEAST_SHARE).met else 1


if __name__ == "__main__":
    sys.exit(main())
