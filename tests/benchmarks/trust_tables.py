"""The tables of docs/verdicts.md, by simulation."""

from collections.abc import Sequence

from trust_goals import Goal
from trust_simulation import (
    PROCESS_COUNTS,
    RECORDED_NOISE,
    SCENARIOS,
    Noise,
    Recorded,
    bootstrap_bounds,
    coverage,
    coverage_when_stopped,
    results,
)

COVERAGE = (0.93, 0.97)
NOMINAL = 0.05


def print_tables(experiments: int) -> list[Goal]:
    """Print coverage, false alarms and power; the goals that they meet or miss."""
    return [*print_coverage(experiments), *print_findings(experiments)]


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
            same = results(noise, processes, 0.0, experiments)
            slower = results(noise, processes, 0.05, experiments)
            no_worse = same["no worse"] + same["better"]
            shares = (same["worse"], same["inconclusive"], no_worse, slower["worse"], slower["inconclusive"])
            print(f"{name:>29}{processes:>11}" + "".join(f"{100 * share:>11.1f}" for share in shares))
            kind = "recorded" if isinstance(noise, Recorded) else "modelled"
            alarms.setdefault(kind, []).append(same["worse"])
    print("\nA run of 16 cells of the same program is called worse, in %:")
    for processes in (5, 10, 20):
        found = results(SCENARIOS["all, 5 % apart"], processes, 0.0, experiments // 10, cells=16)
        print(f"{'all, 5 % apart':>29}{processes:>11}{100 * found['worse']:>11.1f}")
        # At five a side chance alone separates one cell of 252; docs/verdicts.md tells what that means.
        if processes >= 10:
            alarms.setdefault("16 cells, modelled", []).append(found["worse"])
    return [
        Goal(f"simulated, {kind} noise: worse", f"{max(shares):.1%}", "at most 5%", max(shares) <= NOMINAL)
        for kind, shares in alarms.items()
    ]


def print_row(name: str, shares: Sequence[float]) -> None:
    """Print one row of shares in %."""
    print(f"{name:>38}" + "".join(f"{100 * share:8.1f}" for share in shares))
