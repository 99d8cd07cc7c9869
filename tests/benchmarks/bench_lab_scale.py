"""The part `scale` of `bench_lab.py`: many simulated devices, one driver, a fifth killed in the middle."""

import argparse
import re
import time
from pathlib import Path

from bench_history import record
from simulated_lab import SimulatedLab

from harness.records import Cell
from harness.records.run_folder import read_cells

HOSTS = 5
GRID = ("-w", "0.25,0.5,0.75,1.0", "-r", "128,160,192,224", "-p", "fp32,int8")
CELLS = 32
# A quarter of the second that a process measures by default: a file of 10 kB instead of 15.
SHORT = ("--min-time", "0.25s")
MOST_MB = 2000.0
# The power of a host is cut when this share of the cells is there.
CUT_AT = 0.4
POLL_S = 0.5
SHOWN_OF_ERRORS = 4000


def bench_scale(lab: SimulatedLab, options: argparse.Namespace) -> bool:
    """Print what the driver needs and whether a cell was lost; False where a goal is missed."""
    each, out = options.devices // HOSTS, lab.folder / "run"
    expected = options.devices * CELLS
    for number in range(HOSTS):
        added = lab.add(f"host{number}", range(number * each, (number + 1) * each))
        if added.exit_code:
            raise SystemExit(added.stderr)
    sweep = (*GRID, *SHORT, "--processes", str(options.processes))
    process = lab.begin_drive(out, *sweep, together=options.together)
    while count(out) < CUT_AT * expected and process.poll() is None:
        time.sleep(POLL_S)
    lab.kill(f"host{HOSTS - 1}")
    _, first = process.communicate()
    before = figures(out)
    describe(out, process.returncode, first)
    again = lab.add(f"host{HOSTS - 1}", range((HOSTS - 1) * each, HOSTS * each))
    if again.exit_code:
        raise SystemExit(again.stderr)
    resumed = lab.drive(out, together=options.together)
    print(f"resumed: exit code {resumed.exit_code}, {driver_line(resumed.stderr)}")
    if resumed.exit_code:
        print(resumed.stderr[-SHOWN_OF_ERRORS:])
    after = figures(out)
    show_messages(lab)
    kept = sum(after.get(name) == figure for name, figure in before.items())
    print(f"{len(after):,} of {expected:,} cells; {kept:,} of {len(before):,} kept as they were")
    goals = (
        record("lab", f"cells kept, {options.devices} devices", len(after) / expected, at_least=1.0),
        record(
            *("lab", f"driver memory/limit, {options.devices} devices"),
            max(peak_mb(first), peak_mb(resumed.stderr)) / MOST_MB,
            at_most=1.0,
        ),
    )
    return all(goal.met for goal in goals) and kept == len(before) and resumed.exit_code == 0


def count(out: Path) -> int:
    """The cells that are in the folder."""
    return sum(1 for _ in (out / "cells").glob("*.json")) if (out / "cells").exists() else 0


def figures(out: Path) -> dict[tuple[str, str], tuple[tuple[int, ...], ...]]:
    """The samples of the cells that are complete."""
    return {
        (cell.device.name, cell.variant.name): tuple(one.latencies_ns for one in cell.processes)
        for cell in read_cells(out)
        if is_complete(cell)
    }


def is_complete(cell: Cell) -> bool:
    return bool(cell.stopped_by and cell.memory and cell.memory.detail)


def describe(out: Path, exit_code: int, stderr: str) -> None:
    """What the run until the cut took, and how quickly cells came."""
    status = [file.stat() for file in (out / "cells").glob("*.json")]
    times, sizes = sorted(one.st_mtime for one in status), [one.st_size for one in status]
    seconds = times[-1] - times[0]
    print(
        f"run: exit code {exit_code}, {len(times):,} cells of {sum(sizes) / len(sizes) / 1e3:.1f} kB,"
        f" the last {seconds:.0f} s after the first: {len(times) / seconds:.1f} a second; "
        f"{driver_line(stderr)}",
        flush=True,
    )


def driver_line(stderr: str) -> str:
    """What the driver says of itself at its end."""
    return next((line for line in stderr.splitlines() if line.startswith("driver:")), "the driver was killed")


def peak_mb(stderr: str) -> float:
    """The driver's peak memory."""
    found = re.search(r" ([0-9]+) MB", driver_line(stderr))
    return float(found[1]) if found else float("inf")


def show_messages(lab: SimulatedLab) -> None:
    """What one device of each process sent."""
    counts = [one for one in lab.messages() if one["with_cell"]]
    if not counts:
        return
    saved = sum(one["with_cell"] for one in counts)
    items, size_bytes = (sum(one[key] for one in counts) for key in ("items", "bytes"))
    print(
        f"messages: {items / saved:.1f} for each time that a cell is saved, {size_bytes / saved / 1e3:.1f} kB"
    )
