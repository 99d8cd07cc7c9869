"""The parts `overhead` and `spread` of `bench_lab.py`: what a lab takes beside the work itself."""

import argparse
import time
from pathlib import Path

from bench_history import record
from simulated_lab import SimulatedLab

from harness.records.run_folder import read_cells

# Two minutes on an idle core of the machine that the goals were set on.
WORK = ("-w", "0.25,0.5", "-r", "128,160", "--processes", "20")
MOST_OVERHEAD = 1.05
SPREAD_WORK = ("-w", "0.25,0.5", "-r", "128,160", "--processes", "6")
MOST_SPREAD = 1.15


def bench_overhead(lab: SimulatedLab, _: argparse.Namespace) -> bool:
    """The same run with and without the lab, from one cache, after one that lowers and pushes."""
    added = lab.run(
        *("host", "lab", "start", "--address", lab.address, "--name", "host", "--device", "emulator")
    )
    if added.exit_code:
        raise SystemExit(added.stderr)
    at_lab = ("--lab", lab.address)
    timed_run(lab, lab.folder / "warm", "-d", "emulator", *WORK[:4], "--processes", "1")
    plain_s = timed_run(lab, lab.folder / "plain", "-d", "emulator", *WORK)
    lab_s = timed_run(lab, lab.folder / "lab-run", *at_lab, "-d", "emulator", *WORK)
    plain, spread = instructions(lab.folder / "plain"), instructions(lab.folder / "lab-run")
    print(f"plain {plain_s:.1f} s, --lab {lab_s:.1f} s; instructions equal: {plain == spread}")
    goal = record("lab", "--lab/plain wall clock, emulator", lab_s / plain_s, at_most=MOST_OVERHEAD)
    return goal.met and plain == spread


def bench_spread(lab: SimulatedLab, _: argparse.Namespace) -> bool:
    """Four devices on two hosts against one of them, each in a process of its own as in a real lab."""
    for host, devices in (("left", range(2)), ("right", range(2, 4))):
        added = lab.add(host, devices)
        if added.exit_code:
            raise SystemExit(added.stderr)
    at_lab = ("--lab", lab.address)
    timed_run(lab, lab.folder / "warm", *at_lab, "-d", "all", *SPREAD_WORK[:4], "--processes", "1")
    one_s = timed_run(lab, lab.folder / "one", *at_lab, "-d", "sim-0000", *SPREAD_WORK)
    four_s = timed_run(lab, lab.folder / "four", *at_lab, "-d", "all", *SPREAD_WORK)
    print(f"one device {one_s:.1f} s, four on two hosts {four_s:.1f} s, report included")
    return record("lab", "4 devices/1 wall clock, simulated", four_s / one_s, at_most=MOST_SPREAD).met


def timed_run(lab: SimulatedLab, out: Path, *words: str) -> float:
    """Seconds of `harness run` at the lab's first host; simulated devices are known there."""
    host = next(iter(lab.caches))
    started = time.monotonic()
    ended = lab.run(host, "run", *words, "--out", out, "--quiet", "--yes")
    if ended.exit_code:
        raise SystemExit(ended.stderr)
    return time.monotonic() - started


def instructions(folder: Path) -> dict[str, tuple[float | None, ...]]:
    """Of each process, by variant."""
    return {
        cell.variant.name: tuple(one.instructions_per_inference for one in cell.processes)
        for cell in read_cells(folder)
    }
