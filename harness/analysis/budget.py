"""What a variant may cost: the limits of a budget, and by how much a cell misses them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from harness.analysis.known_accuracy import KnownAccuracy
from harness.analysis.paced_figures import misses_text, period_to_keep_ns, response_p99_high_ns
from harness.analysis.process_figures import decisive_startup, instruction_counts, peaks_rss_bytes
from harness.analysis.quantities import megabytes, millijoules, millions, milliseconds
from harness.records import Cell


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Upper limits of costs, the minimum top-1 accuracy as a fraction of one; None is no limit.

    Of `threads` and `precisions` only the named ones are considered; empty is all. `cores` is a cluster's
    name or a CPU list; None is any placement. With `rate_hz` only what was measured at this rate is
    considered; without, what was measured back to back, if anything was. What was measured at a rate must
    keep it: at most 1 % of its periods may end without a result. With `sustained` the latency that is
    limited, and that candidates are ranked by, is the plateau of a sustained run, and only cells with one
    are considered.
    """

    max_latency_ns: float | None = None
    max_p90_ns: float | None = None
    max_p99_ns: float | None = None
    max_startup_ns: float | None = None
    max_instructions: int | None = None
    max_memory_bytes: int | None = None
    max_size_bytes: int | None = None
    max_energy_joules: float | None = None
    min_accuracy: float | None = None
    threads: tuple[int, ...] = ()
    cores: str | None = None
    precisions: tuple[str, ...] = ()
    rate_hz: float | None = None
    sustained: bool = False

    @property
    def period_ns(self) -> float | None:
        """Within which an inference must be done; None without a rate."""
        return None if self.rate_hz is None else 1e9 / self.rate_hz

    @property
    def limits_anything(self) -> bool:
        """Whether a cost or an accuracy is limited; what is considered is no limit."""
        return bool(limited(self)) or self.min_accuracy is not None


@dataclass(frozen=True)
class Quantity:
    """A figure that a budget limits from above; `worst` is its interval's upper end, None if unmeasured."""

    name: str
    option: str
    limit: Callable[[Budget], float | None]
    worst: Callable[[Cell], float | None]
    text: Callable[[float], str]
    unit: str
    unit_size: float
    is_time: bool = False

    @property
    def whole(self) -> bool:
        """Whether a limit is a whole number of nanoseconds, bytes or instructions: all but energy."""
        return self.unit != "mJ"


@dataclass(frozen=True)
class Miss:
    """A limit that a cell does not keep; `needed` is its figure's worst end, None where it has no figure."""

    limit: str
    option: str
    allowed: float
    needed: float | None
    reason: str
    quantity: Quantity | None = None

    @property
    def excess(self) -> float:
        """By what share of the limit it is missed; infinite without a figure."""
        return math.inf if self.needed is None else abs(self.needed - self.allowed) / self.allowed


def latency_high_ns(cell: Cell) -> float | None:
    """The upper end of the median latency."""
    return None if cell.latency is None else cell.latency.median_ns.high


def plateau_high_ns(cell: Cell) -> float | None:
    """The upper end of the plateau of a sustained run."""
    figures = cell.sustained and cell.sustained.figures
    return figures.plateau_ns.high if figures else None


def energy_high_joules(cell: Cell) -> float | None:
    """The upper end of the energy of an inference without that of the idle device."""
    figures = cell.energy and cell.energy.figures
    return figures.net_joules.high if figures else None


def decisive_latency_high_ns(cell: Cell, budget: Budget) -> float | None:
    """The upper end of the median latency that the budget is about."""
    return plateau_high_ns(cell) if budget.sustained else latency_high_ns(cell)


def instructions_high(cell: Cell) -> int | None:
    """The highest count of any process; counts of one thread are all equal."""
    return max((*instruction_counts(cell), cell.instructions_per_inference or 0)) or None


def peak_high_bytes(cell: Cell) -> int | None:
    """The highest peak RSS of any process."""
    median = cell.memory.peak_rss_bytes if cell.memory else None
    return max((*peaks_rss_bytes(cell), median or 0)) or None


def _p90_high_ns(cell: Cell) -> float | None:
    interval = cell.latency and cell.latency.p90_interval_ns
    return interval.high if interval else None


def _p99_high_ns(cell: Cell) -> float | None:
    interval = cell.latency and cell.latency.p99_interval_ns
    return interval.high if interval else None


def _startup_high_ns(cell: Cell) -> float | None:
    startup = decisive_startup(cell)
    return None if startup is None else startup.total_ns.high


ENERGY = Quantity(
    "energy", "--max-energy", lambda b: b.max_energy_joules, energy_high_joules, millijoules, "mJ", 1e-3
)

QUANTITIES = (
    Quantity(
        "latency",
        "--max-latency",
        lambda b: None if b.sustained else b.max_latency_ns,
        latency_high_ns,
        milliseconds,
        "ms",
        1e6,
        True,
    ),
    Quantity("p90 latency", "--max-p90", lambda b: b.max_p90_ns, _p90_high_ns, milliseconds, "ms", 1e6, True),
    Quantity("p99 latency", "--max-p99", lambda b: b.max_p99_ns, _p99_high_ns, milliseconds, "ms", 1e6, True),
    Quantity(
        "start-up",
        "--max-startup",
        lambda b: b.max_startup_ns,
        _startup_high_ns,
        milliseconds,
        "ms",
        1e6,
        True,
    ),
    Quantity(
        "instructions",
        "--max-instructions",
        lambda b: b.max_instructions,
        instructions_high,
        millions,
        "M",
        1e6,
    ),
    Quantity(
        "peak memory", "--max-memory", lambda b: b.max_memory_bytes, peak_high_bytes, megabytes, "MB", 1e6
    ),
    Quantity(
        "file size",
        "--max-size",
        lambda b: b.max_size_bytes,
        lambda cell: cell.artifact.size_bytes,
        megabytes,
        "MB",
        1e6,
    ),
    ENERGY,
)


# Not among the others: nobody types a limit for the one, and the other has the option of latency.
PACED_P99 = Quantity(
    "paced p99 latency", "--rate", lambda b: b.period_ns, response_p99_high_ns, milliseconds, "ms", 1e6, True
)

SUSTAINED_LATENCY = Quantity(
    "sustained latency",
    "--max-latency",
    lambda b: b.max_latency_ns if b.sustained else None,
    plateau_high_ns,
    milliseconds,
    "ms",
    1e6,
    True,
)


# One of the two latencies comes first.
LIMITS = (SUSTAINED_LATENCY, *QUANTITIES, PACED_P99)


def limited(budget: Budget) -> tuple[Quantity, ...]:
    """The quantities that the budget limits."""
    return tuple(one for one in LIMITS if one.limit(budget) is not None)


def limit_on(cell: Cell, quantity: Quantity, budget: Budget) -> float | None:
    """The limit that a cell is held to; a paced one keeps its own rate also where the budget names none."""
    return period_to_keep_ns(cell) if quantity is PACED_P99 else quantity.limit(budget)


def find_misses(cell: Cell, accuracy: KnownAccuracy | None, budget: Budget) -> tuple[Miss, ...]:
    """Each limit that the cell's figures miss at their worse end."""
    misses = []
    for quantity in LIMITS:
        allowed = limit_on(cell, quantity, budget)
        if allowed is None:
            continue
        needed = quantity.worst(cell)
        if needed is None or needed > allowed:
            misses.append(_miss(cell, quantity, allowed, needed))
    minimum = budget.min_accuracy
    if minimum is not None and (accuracy is None or accuracy.low < minimum):
        misses.append(_accuracy_miss(accuracy, minimum))
    return tuple(misses)


def _miss(cell: Cell, quantity: Quantity, allowed: float, needed: float | None) -> Miss:
    are = "are" if quantity.name == "instructions" else "is"
    reason = (
        f"{quantity.name} not measured"
        if needed is None
        else f"{quantity.name} up to {quantity.text(needed)} {are} over {quantity.text(allowed)}"
    )
    if quantity is PACED_P99 and cell.pace:
        reason += f", {misses_text(cell.pace)}"
    return Miss(quantity.name, quantity.option, allowed, needed, reason, quantity)


def _accuracy_miss(accuracy: KnownAccuracy | None, minimum: float) -> Miss:
    if accuracy is None:
        reason = "accuracy neither measured nor published"
        return Miss("accuracy", "--min-accuracy", minimum, None, reason)
    of = "of at least" if accuracy.basis == "measured" else "of"
    reason = f"{accuracy.basis} top-1 {of} {accuracy.low:.1%} is under {minimum:.1%}"
    return Miss("accuracy", "--min-accuracy", minimum, accuracy.low, reason)
