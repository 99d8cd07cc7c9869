"""Clocks, temperatures, load and memory before, during and after the processes of each cell."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.analysis.temperatures import hottest_zone
from harness.records import Cell, Conditions, ConditionsSample
from harness.system.text import printable
from reports.clocks import held_clock_text
from reports.figures import full_name
from reports.numbers import MISSING, significant, span

_Reading = Callable[[Conditions], Iterable[float]]


@dataclass(frozen=True)
class ConditionsRow:
    """One cell: ranges over its processes, `before → after`, in the order of `COLUMNS`."""

    name: str
    texts: tuple[str, ...]


COLUMNS = (
    "clock held",
    "temperature °C",
    "hottest while measuring °C",
    "frequency MHz",
    "mean MHz while measuring",
    "fastest core's MHz while measuring",
    "governor",
    "load average",
    "available memory MB",
    "battery °C",
    "battery %",
    "battery",
    "screen",
    "throttled",
)


def describe(cells: Sequence[Cell]) -> tuple[ConditionsRow, ...]:
    """One row per measured cell."""
    return tuple(
        ConditionsRow(
            f"{full_name(cell)}",
            (
                held_clock_text(cell),
                _change(cell, _temperatures),
                _sampled(cell, lambda sample: sample.celsius),
                _change(cell, _frequencies),
                _mean_frequencies(cell),
                _sampled(cell, lambda sample: sample.frequencies_khz, 1e-3),
                _named(cell, lambda conditions: filter(None, conditions.governors or ())),
                _change(cell, _loads),
                _change(cell, _memory),
                _change(cell, _battery),
                _change(cell, _charge),
                _named(cell, lambda conditions: filter(None, [conditions.battery_status])),
                _named(cell, lambda conditions: [conditions.wakefulness] if conditions.wakefulness else []),
                _throttled(cell),
            ),
        )
        for cell in cells
        if cell.processes
    )


def unreadable(cells: Sequence[Cell]) -> tuple[tuple[str, str], ...]:
    """Facts that could not be read on the device, with the reason, without repeats."""
    reasons: dict[str, str] = {}
    for cell in cells:
        reasons |= {printable(one.fact): printable(one.reason) for one in cell.device.unreadable}
        for process in cell.processes:
            sampled = process.sampled.unreadable if process.sampled else {}
            for found in (process.conditions_before.unreadable, process.conditions_after.unreadable, sampled):
                reasons |= {printable(fact): printable(why) for fact, why in found.items()}
    return tuple(sorted(reasons.items()))


def tuning(cells: Sequence[Cell]) -> str | None:
    """Settings changed by `--tune-device`, as read back, and those refused; None if it was not asked for."""
    settings = dict.fromkeys(setting for cell in cells for setting in cell.tuning or ())
    texts = [
        f"{setting.name} {setting.now} (was {setting.before})"
        if setting.now
        else f"{setting.name}: {setting.note}"
        for setting in settings
    ]
    return "; ".join(texts) or None


def _change(cell: Cell, reading: _Reading) -> str:
    before = [value for process in cell.processes for value in reading(process.conditions_before)]
    after = [value for process in cell.processes for value in reading(process.conditions_after)]
    if not before and not after:
        return MISSING
    texts = [span(values, 2) if values else MISSING for values in (before, after)]
    return texts[0] if texts[0] == texts[1] else " → ".join(texts)


def _temperatures(conditions: Conditions) -> Iterable[float]:
    """The hottest zone of the cores."""
    hottest = hottest_zone(conditions)
    return [] if hottest is None else [hottest.celsius]


def _frequencies(conditions: Conditions) -> Iterable[float]:
    return [khz / 1000 for khz in conditions.frequencies_khz or () if khz is not None]


def _mean_frequencies(cell: Cell) -> str:
    """From cpufreq's `time_in_state`: the range over processes and groups of cores that share a clock."""
    means = []
    for process in cell.processes:
        for policy in {one.policy for one in process.time_in_state}:
            times = [one for one in process.time_in_state if one.policy == policy]
            means.append(sum(one.khz * one.ticks for one in times) / sum(one.ticks for one in times) / 1000)
    return span(means, 2) if means else MISSING


def _sampled(
    cell: Cell, reading: Callable[[ConditionsSample], Iterable[float | None]], factor: float = 1.0
) -> str:
    """The range of each sample's highest reading, taken while the processes ran."""
    highest = [
        max(known) * factor
        for process in cell.processes
        for sample in (process.sampled.samples if process.sampled else ())
        if (known := [value for value in reading(sample) if value is not None])
    ]
    return span(highest, 2) if highest else MISSING


def _loads(conditions: Conditions) -> Iterable[float]:
    return [] if conditions.load_average_1min is None else [conditions.load_average_1min]


def _battery(conditions: Conditions) -> Iterable[float]:
    return [] if conditions.battery_celsius is None else [conditions.battery_celsius]


def _charge(conditions: Conditions) -> Iterable[float]:
    return [] if conditions.battery_percent is None else [conditions.battery_percent]


def _memory(conditions: Conditions) -> Iterable[float]:
    free = conditions.memory_available_bytes
    return [] if free is None else [free / 1e6]


def _named(cell: Cell, reading: Callable[[Conditions], Iterable[str]]) -> str:
    names = {
        printable(name)
        for process in cell.processes
        for conditions in (process.conditions_before, process.conditions_after)
        for name in reading(conditions)
    }
    return ", ".join(sorted(names)) or MISSING


def _throttled(cell: Cell) -> str:
    """Android's thermal status (0 none to 6 shutdown), or a Raspberry Pi's `get_throttled` flags."""
    after = [process.conditions_after for process in cell.processes]
    flags = [conditions.throttled_flags for conditions in after if conditions.throttled_flags is not None]
    statuses = [conditions.thermal_status for conditions in after if conditions.thermal_status is not None]
    if flags:
        return f"flags 0x{max(flags):x}"
    return f"status {significant(max(statuses), 1)}" if statuses else MISSING
