"""The sensors of a device, each with what its lines mean: rails of a phone, a board's chips, a battery."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from harness.devices.battery import LEAST_MICROAMPERES
from harness.devices.energy_sources import UNPLUG, FoundSensors
from harness.records import EnergySource
from harness.runner.energy_readings import (
    Reading,
    SensorFailed,
    Span,
    changed,
    checked,
    counted_watts,
    lines_of,
    number_in,
    spans_of_held,
)
from harness.system.text import excerpt

# CH3(T=358356)[S2M_VDD_CPUCL2], 761330: energy since boot in microwatt seconds; the line before all of them,
# t=358356, is when they were taken, in milliseconds since boot. AOSP's IioEnergyMeterDataProvider reads it.
_TIME = re.compile(r"t=([0-9]{1,16})")
_RAIL = re.compile(r"CH[0-9]{1,3}\(T=[0-9]{1,16}\)\[([A-Za-z0-9_]{1,60})\], ?([0-9]{1,20})")
# Switching regulators (S2M_…) of the cores, the interconnect and the memory, whose controller is MIF up to
# the Pixel 9 and GMC on the Pixel 10. Linear ones (L15M_…) are fed by those named LLDO, and VSYS_… are the
# inputs of other parts: summed, they would count energy twice.
_OF_THE_CORES = re.compile(r"S[0-9]{1,2}[A-Z]?_VDD_?(CPU\w*|BIG\w*|MID\w*|LITTLE\w*|LIT\w*)")
_BESIDE_THEM = re.compile(r"S[0-9]{1,2}[A-Z]?_VDD_?(MIF\w*|GMC\w*|INT\w*|SLC\w*|INFRA|2H\w*|Q_MEM\w*|2L\w*)")
# VDD_CORE_A current(7)=1.91102000A, and VDD_CORE_V volt(15)=0.87355220V.
_ADC = re.compile(
    r" *([A-Z0-9_]{1,40})_([AV]) (?:current|volt)\([0-9]{1,3}\)=([0-9]{1,6}\.[0-9]{1,12})([AV])"
)
LEAST_MICROVOLTS = 1_000_000

_WattsOf = Callable[[Reading], float]
_Rails = tuple[int, Mapping[str, int]]


def spans_of(found: FoundSensors, readings: Sequence[Reading]) -> tuple[EnergySource, tuple[Span, ...]]:
    """The sensor with the names of what was summed, and its spans.

    Raises:
        SensorFailed: the values are not those of such a sensor: gone, backwards, no numbers.
    """
    source = found.source
    if source is None:
        raise SensorFailed(found.reason)
    if not readings:
        raise SensorFailed("the sensor was not read at all")
    if source.kind == "power_rails":
        return _rails(source, found.files, readings)
    if source.kind == "pmic":
        return source, _powers(readings, _pmic_watts)
    if source.kind == "hwmon":
        (path,) = found.files
        return source, _energies(path, readings) if "/energy" in path else _powers(
            readings, lambda one: number_in(one, path) / 1e6
        )
    return source, _battery(found.files, readings)


def _powers(readings: Sequence[Reading], watts_of: _WattsOf) -> tuple[Span, ...]:
    return spans_of_held(
        readings, lambda one: (watts_of(one),), lambda values: values[0], updates_are_seen=True
    )


def _energies(path: str, readings: Sequence[Reading]) -> tuple[Span, ...]:
    """A chip's counter of microjoules: the time between two updates is that between their readings."""
    updates = changed(readings, lambda reading: (number_in(reading, path),))
    return tuple(
        checked(
            Span(before.uptime_s, after.uptime_s, seconds, counted_watts(path, int(old), int(new), seconds))
        )
        for (before, (old,)), (after, (new,)) in pairwise(updates)
        if (seconds := after.uptime_s - before.uptime_s) > 0
    )


def _rails(
    source: EnergySource, files: Sequence[str], readings: Sequence[Reading]
) -> tuple[EnergySource, tuple[Span, ...]]:
    """The sum of the files' rails; a span ends where all files have been updated since its beginning."""
    first = [_rails_of(readings[0], path) for path in files]
    named = name_rails(source, [name for _, rails in first for name in rails])
    spans = []
    begin, before = readings[0].uptime_s, first
    for reading in readings[1:]:
        now = [_rails_of(reading, path) for path in files]
        for path, (old_ms, _), (new_ms, _) in zip(files, before, now, strict=True):
            if new_ms < old_ms:
                raise SensorFailed(
                    f"the time of {excerpt(path)} counts backwards, from {old_ms} to {new_ms} ms"
                )
        if any(new[0] == old[0] for old, new in zip(before, now, strict=True)):
            continue
        spans.append(_span_of_rails(before, now, begin, reading.uptime_s))
        begin, before = reading.uptime_s, now
    return named, tuple(spans)


def name_rails(source: EnergySource, rails: Sequence[str]) -> EnergySource:
    """The source with the names of those rails that are summed.

    Raises:
        SensorFailed: none is known to be that of the cores.
    """
    summed = [name for name in rails if is_summed(name)]
    if not any(_OF_THE_CORES.match(name) for name in summed):
        known = ", ".join(rails) or "none"
        raise SensorFailed(f"no rail is known to be that of the cores; there are: {excerpt(known)}")
    return EnergySource(kind=source.kind, name=f"{source.name}: {', '.join(summed)}", covers=source.covers)


def _span_of_rails(before: Sequence[_Rails], now: Sequence[_Rails], begin: float, end: float) -> Span:
    watts, seconds = 0.0, []
    for (old_ms, old), (new_ms, new) in zip(before, now, strict=True):
        seconds.append((new_ms - old_ms) / 1e3)
        for name in filter(is_summed, old):
            if name not in new:
                raise SensorFailed(f"the rail {name} vanished at an uptime of {end:.0f} s")
            watts += counted_watts(name, old[name], new[name], seconds[-1])
    return checked(Span(begin, end, sum(seconds) / len(seconds), watts))


def is_summed(rail: str) -> bool:
    """Whether a rail is of the cores, or of the memory and interconnect beside them."""
    return bool(_OF_THE_CORES.fullmatch(rail) or _BESIDE_THEM.fullmatch(rail))


def _rails_of(reading: Reading, path: str) -> _Rails:
    """When they were taken, in milliseconds, and the microjoules of each rail."""
    lines = lines_of(reading, path)
    time = _TIME.fullmatch(lines[0].strip()) if lines else None
    rails = [_RAIL.fullmatch(line.strip()) for line in lines[1:]]
    if time is None or None in rails:
        wrong = next((line for line, rail in zip(lines[1:], rails, strict=False) if rail is None), lines[0])
        raise SensorFailed(f"{excerpt(path)} has a line that is not a rail's: {excerpt(wrong)}")
    energies = {rail[1]: int(rail[2]) for rail in rails if rail}
    if len(energies) < len(rails):
        raise SensorFailed(f"{excerpt(path)} names a rail twice")
    return int(time[1]), energies


def _pmic_watts(reading: Reading) -> float:
    """The sum over the rails that have both a current and a voltage: the input (EXT5V) has no current."""
    values: dict[str, dict[str, float]] = {"A": {}, "V": {}}
    for line in lines_of(reading, "pmic"):
        match = _ADC.fullmatch(line.rstrip())
        if match is None or match[2] != match[4]:
            raise SensorFailed(f"vcgencmd pmic_read_adc printed a line that is not a rail's: {excerpt(line)}")
        values[match[2]][match[1]] = float(match[3])
    both = values["A"].keys() & values["V"].keys()
    if not both:
        raise SensorFailed("vcgencmd pmic_read_adc printed no rail with a current and a voltage")
    return sum(values["A"][name] * values["V"][name] for name in both)


def _battery(files: Sequence[str], readings: Sequence[Reading]) -> tuple[Span, ...]:
    status, current, voltage = files
    signs = set()
    for reading in readings:
        word = " ".join(lines_of(reading, status)).strip()
        if word != "Discharging":
            what = excerpt(word.lower() or "of unknown state")
            raise SensorFailed(f"the battery was {what} at an uptime of {reading.uptime_s:.0f} s; {UNPLUG}")
        signs.add(number_in(reading, current) > 0)
    if len(signs) > 1:
        raise SensorFailed("the battery's current changed its sign, so that it was charged in between")
    microamperes = sorted(abs(number_in(reading, current)) for reading in readings)
    if (typical := microamperes[len(microamperes) // 2]) < LEAST_MICROAMPERES:
        raise SensorFailed(
            f"the battery's current is {typical} in the driver's unit, which is not clearly µA"
        )
    least = min(number_in(reading, voltage) for reading in readings)
    if least < LEAST_MICROVOLTS:
        raise SensorFailed(f"the battery's voltage is {least} in the driver's unit, which is not µV")
    return spans_of_held(
        readings,
        lambda one: (abs(number_in(one, current)), number_in(one, voltage)),
        lambda values: values[0] * values[1] / 1e12,
        updates_are_seen=False,
    )
