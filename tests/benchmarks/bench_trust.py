"""How far the harness's intervals, findings and verdicts can be trusted.

`python tests/benchmarks/bench_trust.py`: real runs on `host`, `emulator` and `arm-vm`, twenty minutes on an
idle machine, and a simulation; `--only` chooses parts. Ends with exit code 1 when a goal is missed.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import trust_runs as runs
from trust_simulation import (
    PROCESS_COUNTS,
    RECORDED_NOISE,
    SCENARIOS,
    Noise,
    Recorded,
    bootstrap_bounds,
    coverage,
    coverage_when_stopped,
    findings,
)

from harness.measuring.finding import Finding

COVERAGE = (0.93, 0.97)
NOMINAL = 0.05
HOST_SLOWNESS = 0.05
INSTRUCTIONS_SLOWNESS = 0.001


class Goal(NamedTuple):
    """A line of the table at the end."""

    what: str
    found: str
    wanted: str
    met: bool


def at_least(what: str, found: int, of: int, share: float = 1.0) -> Goal:
    """So many of so many were found; the share wanted is rounded up."""
    wanted = math.ceil(share * of - 1e-9)
    return Goal(what, f"{found} of {of}", f"at least {wanted}", found >= wanted)


def at_most(what: str, found: int, of: int, share: float = 0.0) -> Goal:
    """The same for what should not be found; the share allowed is rounded down."""
    allowed = math.floor(share * of + 1e-9)
    return Goal(what, f"{found} of {of}", f"at most {allowed}", found <= allowed)


def count(compared: Iterable[runs.Compared], finding: Finding) -> int:
    """How many comparisons ended so."""
    return sum(one.finding == finding for one in compared)


# Real runs ----------------------------------------------------------------------------------------


def try_same_program(options: argparse.Namespace) -> list[Goal]:
    """Compare a program with itself on this machine."""
    compared = runs.compare_with_itself(runs.find_target("host"), options.comparisons)
    if options.record:
        write_noise(options.record, compared)
    print_found("the same program on host", compared)
    return [at_most("host, the same program: worse", count(compared, "worse"), len(compared), 0.05)]


def try_slower_program(options: argparse.Namespace) -> list[Goal]:
    """Compare a program with one that is 5 % slower on this machine."""
    host = runs.find_target("host")
    slowness = runs.find_slowness(host, HOST_SLOWNESS)
    compared = runs.compare_with_slower(host, slowness, options.slowed)
    print_found(f"slower by {HOST_SLOWNESS:.0%} on host", compared)
    return [at_least("host, slower by 5 %: worse", count(compared, "worse"), len(compared), 0.9)]


def try_more_instructions(options: argparse.Namespace) -> list[Goal]:
    """Compare a program with one of 0.1 % more instructions where they are counted."""
    goals = []
    for device in ("emulator", "arm-vm"):
        target = runs.find_target(device)
        slowness = runs.find_slowness(target, INSTRUCTIONS_SLOWNESS)
        compared = runs.compare_with_slower(target, slowness, options.counted)
        print_found(f"{INSTRUCTIONS_SLOWNESS:.1%} more instructions on {device}", compared)
        goals.append(at_least(f"{device}, 0.1 % more: worse", count(compared, "worse"), len(compared)))
        same = runs.compare_neighbours(compared)
        goals.append(at_most(f"{device}, the same: worse", count(same, "worse"), len(same)))
        if device == "arm-vm":
            alarms = sum(runs.is_flagged_busy(one.base) for one in compared)
            goals.append(at_most("arm-vm alone: flagged busy", alarms, len(compared)))
    return goals


def try_busy_machine(options: argparse.Namespace) -> list[Goal]:
    """Measure beside another process in virtual time."""
    cells = runs.measure_while_busy(runs.find_target("arm-vm"), options.busy)
    flagged = sum(runs.is_flagged_busy(cell) for cell in cells)
    return [at_least("arm-vm with a busy process: flagged", flagged, len(cells))]


def print_found(what: str, compared: Sequence[runs.Compared]) -> None:
    """Print what was found, and the ratios that were seen."""
    found = {finding: count(compared, finding) for finding in ("worse", "inconclusive", "no worse", "better")}
    told = ", ".join(f"{times} {finding}" for finding, times in found.items() if times)
    ratios = [100 * (one.ratio - 1) for one in compared]
    low, middle, high = np.percentile(ratios, (0, 50, 100))
    print(f"{what}: {told}; changes {low:+.3g} to {high:+.3g} %, median {middle:+.4g} %", flush=True)


def write_noise(path: Path, compared: Sequence[runs.Compared]) -> None:
    """Keep the process medians for the simulation."""
    cells = [cell for one in compared for cell in (one.base, one.new)]
    medians = [f"{median:.0f}\n" for cell in cells for median in runs.medians_of(cell)]
    loads = [process.conditions_before.load_average_1min for cell in cells for process in cell.processes]
    device = cells[0].device
    head = (
        f"# process medians in ns of {cells[0].variant.name}, {device.model}, {len(device.cores)} cores, "
        f"load average {min(loads)} to {max(loads)}, {len(cells)} runs\n"
    )
    path.write_text(head + "".join(medians), encoding="ascii")


# Simulation ---------------------------------------------------------------------------------------


def simulate(options: argparse.Namespace) -> list[Goal]:
    """Print the tables of docs/verdicts.md."""
    return [*print_coverage(options.experiments), *print_findings(options.experiments)]


def print_coverage(experiments: int) -> list[Goal]:
    """Coverage of the interval of the median, and of the bootstrap that it replaces."""
    print(f"\nThe 95 % interval holds the true median, in % of {experiments:,} experiments:")
    print(f"{'processes':>38}" + "".join(f"{number:>8}" for number in PROCESS_COUNTS))
    held: list[float] = []
    for name, noise in SCENARIOS.items():
        shares = [coverage(noise, number, experiments) for number in PROCESS_COUNTS]
        held += shares
        print_row(name, shares)
    for name in ("independent", "all of them"):
        few = min(experiments, 2000)
        shares = [coverage(SCENARIOS[name], number, few, bootstrap_bounds) for number in PROCESS_COUNTS]
        print_row(f"{name}, percentile bootstrap", shares)
    print("\nThe same when rounds stop, between 5 and 20, as soon as the interval is within +-2 %:")
    stopped = [coverage_when_stopped(noise, 0.02, experiments) for noise in SCENARIOS.values()]
    for name, share in zip(SCENARIOS, stopped, strict=True):
        print_row(name, [share])
    return [within_coverage("coverage", held), within_coverage("coverage when stopped early", stopped)]


def within_coverage(what: str, shares: Sequence[float]) -> Goal:
    """Every share lies between 93 and 97 %."""
    low, high = COVERAGE
    found = f"{min(shares):.1%} to {max(shares):.1%}"
    met = low <= min(shares) and max(shares) <= high
    return Goal(f"simulated, {what}", found, f"{low:.0%} to {high:.0%}", met)


def print_findings(experiments: int) -> list[Goal]:
    """False alarms of equal programs, and how often a slow-down is found."""
    print(f"\n`compare` with a margin of 3 %, in % of {experiments:,} comparisons:")
    print(f"{'':>40}{'the same program':^33}{'slower by 5 %':^22}")
    headings = ("processes", "worse", "inconcl.", "no worse", "worse", "inconcl.")
    print(f"{'noise':>29}" + "".join(f"{heading:>11}" for heading in headings))
    recorded = Recorded.read(RECORDED_NOISE)
    sources: dict[str, Noise | Recorded] = {**SCENARIOS}
    sources |= {f"processes {size:.1%} apart": Noise(process=size, correlation=0.8) for size in (0.005, 0.02)}
    sources[f"recorded, {len(recorded.medians)} processes"] = recorded
    alarms: dict[str, list[float]] = {}
    for name, noise in sources.items():
        for processes in (5, 10, 20):
            same = findings(noise, processes, 0.0, experiments)
            slower = findings(noise, processes, HOST_SLOWNESS, experiments)
            no_worse = same["no worse"] + same["better"]
            shares = (same["worse"], same["inconclusive"], no_worse, slower["worse"], slower["inconclusive"])
            print(f"{name:>29}{processes:>11}" + "".join(f"{100 * share:>11.1f}" for share in shares))
            kind = "recorded" if isinstance(noise, Recorded) else "modelled"
            alarms.setdefault(kind, []).append(same["worse"])
    print("\nA run of 16 cells of the same program is called worse, in %:")
    for processes in (5, 10, 20):
        found = findings(SCENARIOS["all, 5 % apart"], processes, 0.0, experiments // 10, cells=16)
        print(f"{'all, 5 % apart':>29}{processes:>11}{100 * found['worse']:>11.1f}")
        alarms.setdefault("16 cells of modelled", []).append(found["worse"])
    return [
        Goal(f"simulated, {kind} noise: worse", f"{max(shares):.1%}", "at most 5%", max(shares) <= NOMINAL)
        for kind, shares in alarms.items()
    ]


def print_row(name: str, shares: Sequence[float]) -> None:
    """Print one row of shares in %."""
    print(f"{name:>38}" + "".join(f"{100 * share:8.1f}" for share in shares))


PARTS: dict[str, Callable[[argparse.Namespace], list[Goal]]] = {
    "same": try_same_program,
    "slower": try_slower_program,
    "instructions": try_more_instructions,
    "busy": try_busy_machine,
    "simulation": simulate,
}


def main() -> int:
    """Do the parts asked for and print the table of goals."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--only",
        nargs="+",
        choices=tuple(PARTS),
        default=tuple(PARTS),
        metavar="PART",
        help=f"of {', '.join(PARTS)}",
    )
    parser.add_argument("--comparisons", type=int, default=40, help="of the same program on host")
    parser.add_argument("--slowed", type=int, default=20, help="comparisons with a slower one on host")
    parser.add_argument("--counted", type=int, default=10, help="comparisons by instructions, per device")
    parser.add_argument("--busy", type=int, default=5, help="cells measured beside a busy process")
    parser.add_argument("--experiments", type=int, default=10_000, help="simulated, a figure")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the host's process medians")
    options = parser.parse_args()
    started = time.monotonic()
    goals = [goal for part in options.only for goal in PARTS[part](options)]
    print(f"\n{'':44}{'found':>18}{'goal':>16}")
    for goal in goals:
        print(f"{goal.what:44}{goal.found:>18}{goal.wanted:>16}{'' if goal.met else '  MISSED'}")
    print(f"\n{(time.monotonic() - started) / 60:.1f} minutes")
    return 0 if all(goal.met for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
