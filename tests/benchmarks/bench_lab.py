"""What a lab of many hosts costs and keeps: `bench_lab.py [PART …]`, all parts without one; `make bench-lab`.

overhead   two minutes of work on `emulator`: with `--lab` against without; equal instructions
spread     4 simulated devices on 2 hosts against one of them alone
scale      --devices simulated ones, 32 cells each, a fifth of them killed in the middle; memory of the driver
cold       32 artifacts lowered on this machine, plainly and by a lab, against the stock recipe one by one
warm       a run whose artifacts are lowered: seconds until `host` is measuring, and the share of time it does

`simulated_device.py` says what simulated devices are. Exit code 1 where a goal is missed.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from bench_lab_grid import bench_cold, bench_warm
from bench_lab_scale import bench_scale
from bench_lab_time import bench_overhead, bench_spread
from simulated_lab import SimulatedLab

Part = Callable[[SimulatedLab, argparse.Namespace], bool]
PARTS: dict[str, Part] = {
    "overhead": bench_overhead,
    "spread": bench_spread,
    "scale": bench_scale,
    "cold": bench_cold,
    "warm": bench_warm,
}


@contextmanager
def temporary_lab() -> Iterator[SimulatedLab]:
    """A lab without hosts; those that a part adds are ended."""
    with tempfile.TemporaryDirectory(prefix="bench-lab-") as folder:
        lab = SimulatedLab(Path(folder))
        try:
            yield lab
        finally:
            lab.end()


def main() -> int:
    """Run the parts; 1 when one misses a goal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--devices", type=int, default=1000, help="of the part scale; a multiple of 5")
    parser.add_argument("--together", type=int, default=50, help="simulated devices in one process")
    parser.add_argument("--processes", type=int, default=1, help="of each cell in the part scale")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"no part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    met = []
    for name in options.parts or PARTS:
        print(f"== {name}, load {os.getloadavg()[0]:.1f}", flush=True)
        with temporary_lab() as lab:
            met.append(PARTS[name](lab, options))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
