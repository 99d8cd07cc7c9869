"""What an energy measurement cannot be: checked when a run is summarized, and when a cell is read."""

import math
from collections.abc import Iterator

from harness.records.energy import FEWEST_UPDATES, SHORTEST_WINDOW_S, Energy, EnergyFigures, EnergyRun
from harness.records.process_checks import is_time
from harness.records.summary_checks import TOLERANCE, check_interval, check_reach
from harness.system.cpu_list import parse_cpu_list

# Of a window, this much must be in its spans: a meter that was silent for longer measured something else.
LEAST_COVERED = 0.8
# A span may begin a little before its window and end after it, by the clock of the sensor.
MOST_COVERED = 1.2
# A resampled mean is off by no more than its window's spread. `analysis.energy` enlarges that for correlation
# of up to 0.95 (39-fold variance), for the variance within blocks (2-fold) and by Student's t (3.182 / 1.96).
MOST_ENLARGED = 15.0


def find_impossible_energy(energy: Energy) -> Iterator[str]:
    """Each impossible figure as a sentence that names the field."""
    run, figures = energy.run, energy.figures
    if (figures is None) != (energy.unavailable is not None) or (figures is None) != (run is None):
        yield f"energy has {'no ' * (figures is None)}figures, and is unavailable: {energy.unavailable}"
        return
    if run is None or figures is None:
        return
    impossible = tuple(find_impossible_windows(run))
    yield from impossible
    if not impossible:
        yield from _figures(figures, run)


def find_impossible_windows(run: EnergyRun) -> Iterator[str]:
    """Each impossible part of what was measured."""
    end = 0.0
    for name in ("idle_before", "load", "idle_after"):
        window = getattr(run, name)
        if len(window.span_seconds) != window.updates:
            yield f"energy.{name} has {len(window.span_seconds)} spans, of {window.updates} powers"
            continue
        if window.seconds < SHORTEST_WINDOW_S or window.updates < FEWEST_UPDATES:
            yield f"energy.{name} has {window.updates} updates in {window.seconds:g} s, which are too few"
        covered = sum(window.span_seconds)
        if min(window.span_seconds, default=0.0) <= 0:
            yield f"energy.{name} has a span of no time"
        elif not LEAST_COVERED * window.seconds <= covered <= MOST_COVERED * window.seconds:
            yield f"energy.{name}: its spans are {covered:g} of {window.seconds:g} s"
        if window.began_uptime_seconds < end:
            yield f"energy.{name} began before the end of the window before it"
        end = window.began_uptime_seconds + window.seconds
    if not run.inferences:
        yield "energy.inferences are none"
    if not is_time(run.started_at):
        yield f"energy.started_at is {run.started_at[:40]!r}, which is not a time"
    if run.cpus_allowed and parse_cpu_list(run.cpus_allowed) is None:
        yield f"energy.cpus_allowed is {run.cpus_allowed[:40]!r}, which is not a list of cores"


def _figures(figures: EnergyFigures, run: EnergyRun) -> Iterator[str]:
    gross = run.load.mean_watts * run.load.seconds / run.inferences
    net = gross - run.idle_watts * run.load.seconds / run.inferences
    for name, saved, computed in (
        ("gross_joules", figures.gross_joules, gross),
        ("mean_watts", figures.mean_watts, run.load.mean_watts),
        ("idle_before_watts", figures.idle_before_watts, run.idle_before.mean_watts),
        ("idle_after_watts", figures.idle_after_watts, run.idle_after.mean_watts),
    ):
        if not math.isclose(saved, computed, rel_tol=TOLERANCE):
            yield f"energy.{name} does not follow from its windows"
    # A difference of two figures is less exact than either.
    if not math.isclose(figures.net_joules.estimate, net, rel_tol=TOLERANCE, abs_tol=TOLERANCE * gross):
        yield "energy.net_joules does not follow from its windows"
    yield from check_interval(
        "energy.net_joules", figures.net_joules, low=-math.inf, high=math.inf, resampled=True
    )
    spread = sum(
        weight * (max(window.watts) - min(window.watts))
        for window, weight in ((run.load, 1.0), (run.idle_before, 0.5), (run.idle_after, 0.5))
    )
    reach = MOST_ENLARGED * spread * run.load.seconds / run.inferences
    slack = TOLERANCE * gross
    yield from check_reach(
        "energy.net_joules", figures.net_joules, (net - reach - slack, net + reach + slack)
    )
