"""How far the harness's intervals, findings and verdicts can be trusted.

`python tests/benchmarks/bench_trust.py`: real runs on `host`, `emulator` and `arm-vm`, twenty minutes on an
idle machine, and a simulation; `--only` chooses parts. Ends with exit code 1 when a goal is missed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import trust_runs as runs
from trust_goals import Goal, at_least, at_most
from trust_tables import print_tables

from harness.analysis.comparison_rule import ComparisonResult
from harness.errors import HarnessError

HOST_SLOWNESS = 0.05
INSTRUCTIONS_SLOWNESS = 0.001


def count(compared: Iterable[runs.Compared], result: ComparisonResult) -> int:
    """How many comparisons ended so."""
    return sum(one.result == result for one in compared)


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
    found = {result: count(compared, result) for result in ("worse", "inconclusive", "no worse", "better")}
    answer = ", ".join(f"{times} {result}" for result, times in found.items() if times)
    ratios = [100 * (one.ratio - 1) for one in compared]
    low, middle, high = np.percentile(ratios, (0, 50, 100))
    print(f"{what}: {answer}; changes {low:+.3g} to {high:+.3g} %, median {middle:+.4g} %", flush=True)


def write_noise(path: Path, compared: Sequence[runs.Compared]) -> None:
    """Keep the process medians for the simulation."""
    cells = [cell for one in compared for cell in (one.base, one.new)]
    medians = [f"{median:.0f}\n" for cell in cells for median in runs.medians_of(cell)]
    loads = [process.conditions_before.load_average_1min for cell in cells for process in cell.processes]
    known = [load for load in loads if load is not None]
    device = cells[0].device
    head = (
        f"# process medians in ns of {cells[0].variant.name}, {device.model}, {len(device.cores)} cores, "
        f"load average {min(known)} to {max(known)}, {len(cells)} runs\n"
    )
    path.write_text(head + "".join(medians), encoding="ascii")


PARTS: dict[str, Callable[[argparse.Namespace], list[Goal]]] = {
    "same": try_same_program,
    "slower": try_slower_program,
    "instructions": try_more_instructions,
    "busy": try_busy_machine,
    "simulation": lambda options: print_tables(options.experiments),
}


def attempt(part: str, options: argparse.Namespace) -> list[Goal]:
    """Do a part; one that cannot be measured is a goal missed, and the others are still tried."""
    try:
        return PARTS[part](options)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return [Goal(part, "not measured", "", met=False)]


def positive(text: str) -> int:
    """A count from 1 up."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return number


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
    parser.add_argument("--comparisons", type=positive, default=40, help="of the same program on host")
    parser.add_argument("--slowed", type=positive, default=20, help="comparisons with a slower one on host")
    parser.add_argument(
        "--counted", type=positive, default=10, help="comparisons by instructions, per device"
    )
    parser.add_argument("--busy", type=positive, default=5, help="cells measured beside a busy process")
    parser.add_argument("--experiments", type=positive, default=10_000, help="simulated, a figure")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write the host's process medians")
    options = parser.parse_args()
    started = time.monotonic()
    goals = [goal for part in options.only for goal in attempt(part, options)]
    print(f"\n{'':44}{'found':>18}{'goal':>16}")
    for goal in goals:
        print(f"{goal.what:44}{goal.found:>18}{goal.wanted:>16}{'' if goal.met else '  MISSED'}")
    print(f"\n{(time.monotonic() - started) / 60:.1f} minutes")
    return 0 if all(goal.met for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
