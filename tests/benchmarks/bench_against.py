"""How right `harness run --against` is: `python tests/benchmarks/bench_against.py`, three minutes.

1. Simulated, 1,000 trials each (`against_simulation.py` says what is real in them): the device's state
   changes by 4 % half-way, in ten rounds; how often the same program is called worse, and one that is 5 %
   slower. Beside them the same trials measured one run after the other, as without the option.
2. A real run on `host` of a program against itself: its ratio, and whether it is called worse.

`--record FILE` measures 200 rounds on `host` and writes the medians that the simulation draws from.
Ends with exit code 1 when a limit is missed.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from against_simulation import (
    ROUNDS,
    STATE_CHANGE,
    Timed,
    interleaved,
    one_after_the_other,
    read_recorded,
    results,
)
from bench_history import record

from harness import run
from harness.devices.inventory import resolve
from harness.measuring.base_side import find_base, read_comparison
from harness.records import Cell, RunRequest, Variant
from harness.records.base_cells import read_base_cells
from harness.records.run_folder import read_cells

SLOWER = 0.05
MAX_FALSE = 0.01
MIN_FOUND = 0.95
RECORDED_ROUNDS = 200
VARIANT = Variant(width=0.25, resolution_px=128, precision="fp32")


def main() -> int:
    """Simulate, measure, and print what was found beside its limits."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=1000, help="simulated, for each figure")
    parser.add_argument("--record", type=Path, metavar="FILE", help="only write the host's process medians")
    options = parser.parse_args()
    if options.record:
        write_recording(options.record)
        return 0
    return 0 if all([simulate(options.trials), same_on_host()]) else 1


def simulate(trials: int) -> bool:
    """Whether a change of the device's state half-way neither blames nor hides a program."""
    recorded = read_recorded()
    medians = np.array([one.median_ns for one in recorded])
    steps = np.abs(np.diff(np.log(medians)))
    print(
        f"{trials:,} trials each of {ROUNDS} rounds from {len(recorded)} processes recorded on host;"
        f" neighbours differ by {np.median(steps):.2%} in the median, {np.percentile(steps, 90):.1%} in one"
        f" of ten; planted: the device changes by {STATE_CHANGE:.0%} half-way"
    )
    same = show("the same program", recorded, 0.0, trials)
    slower = show(f"{SLOWER:.0%} slower", recorded, SLOWER, trials)
    met = record("against", "same program called worse, state changes", same, at_most=MAX_FALSE).met
    found = record("against", "5 % slower called worse, state changes", slower, at_least=MIN_FOUND).met
    return met and found


def show(what: str, recorded: Sequence[Timed], slowdown: float, trials: int) -> float:
    """Print both designs; return how often the interleaved one says worse."""
    found = {
        design: results(recorded, slowdown=slowdown, trials=trials, design=design)
        for design in (interleaved, one_after_the_other)
    }
    for design, shares in found.items():
        listed = ", ".join(f"{share:.1%} {kind}" for kind, share in shares.items() if share)
        print(f"{what}, {design.__name__.replace('_', ' ')}: {listed}")
    return found[interleaved]["worse"]


def same_on_host() -> bool:
    """Whether a program measured against itself on this machine is not called worse."""
    with tempfile.TemporaryDirectory() as folder:
        measure_twice(Path(folder), processes=ROUNDS)
        (cell,) = read_comparison(Path(folder) / "new").cells
    print(f"host, the same program, {ROUNDS} rounds: {cell.result}: {cell.why}")
    return cell.result != "worse"


def measure_twice(folder: Path, processes: int, min_seconds: float | None = None) -> None:
    """Measure a base of two processes, and then the same program against it."""
    (target,) = resolve(("host",))
    for name, count, against in (("base", 2, None), ("new", processes, str(folder / "base"))):
        request = RunRequest(
            devices=(target.name,),
            widths=(VARIANT.shape[0],),
            resolutions_px=(VARIANT.shape[1],),
            precisions=(VARIANT.precision,),
            threads=(1,),
            processes=count,
            min_seconds=min_seconds,
            against=against,
        )
        base = find_base(against, [VARIANT], print)
        outcome = run.measure(request, (target,), folder / name, lambda _: None, base=base)
        if outcome.errors:
            raise outcome.errors[0]


def write_recording(file: Path) -> None:
    """Measure a program against itself for a long time, and keep the processes in the order they ran."""
    with tempfile.TemporaryDirectory() as folder:
        measure_twice(Path(folder), RECORDED_ROUNDS, min_seconds=0.4)
        cells = (*read_base_cells(Path(folder) / "new"), *read_cells(Path(folder) / "new"))
    file.write_text(describe_recording(cells), encoding="ascii")


def describe_recording(cells: Sequence[Cell]) -> str:
    """A comment, and a line for each process: its median and its canary in ns."""
    processes = sorted((one for cell in cells for one in cell.processes), key=lambda one: one.started_at)
    loads = [load for one in processes if (load := one.conditions_before.load_average_1min) is not None]
    device = cells[0].device
    head = (
        f"# median_ns,canary_ns of {len(processes)} processes of {cells[0].variant.name} in the order they"
        f" ran, {device.model}, {len(device.cores)} cores, load average {min(loads)} to {max(loads)}\n"
    )
    return head + "".join(f"{np.median(one.latencies_ns):.0f},{one.canary_ns}\n" for one in processes)


if __name__ == "__main__":
    sys.exit(main())
