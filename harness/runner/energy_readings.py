"""What a sensor reported while a process ran, as spans of mean power; read strictly, and never guessed."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.errors import MeasurementError, ReportRejected
from harness.records import EnergyWindow
from harness.records.energy import FEWEST_UPDATES, MOST_WATTS, SHORTEST_WINDOW_S
from harness.records.energy_checks import LEAST_COVERED
from harness.system.text import excerpt

MOST_READINGS = 20_000
MOST_LINES_EACH = 256
# A counter of this many bits begins again at 0 after its highest value. Where that would be more than this
# power, it was set back.
COUNTER_BITS = (32, 64)
MOST_WRAPPED_WATTS = 100.0
# A power that stays on one step of its sensor may be anywhere within it: only one that moves between steps
# has a mean.
FEWEST_CHANGES = 5
# Of a meter that reads thousands of times a second neighbours are averaged: an interval of so many values
# takes gigabytes, and each says nearly what the one before said.
MOST_SPANS = 1200
# A power is held until the next one, so that a pause of a meter is covered by what it showed before. This is
# a fifth of the shorter windows, which is what may be missing of one.
LONGEST_SILENCE_S = 8.0

_HEAD = re.compile(
    r"file (?P<index>[0-9]{1,3}) (?P<path>/.{1,250})|at (?P<uptime>[0-9]{1,10}(\.[0-9]{1,6})?)"
)
_LINE = re.compile(r"(?P<index>[0-9]{1,3}) (?P<line>.{0,300})")


class SensorFailed(MeasurementError):
    """A sensor's values cannot be a device's energy; the rest of the cell is not affected."""


@dataclass(frozen=True)
class Reading:
    """All lines of the read files, by path; None where a file could not be read. `pmic` has no path."""

    uptime_s: float
    lines: Mapping[str, tuple[str, ...] | None]


@dataclass(frozen=True)
class Span:
    """Mean power in `seconds` by the sensor's clock; what is in it happened between these uptimes.

    `updates` is 0 where the sensor may have shown an old value, and `is_change` false where an equal one.
    """

    begin_s: float
    end_s: float
    seconds: float
    watts: float
    updates: int = 1
    is_change: bool = True


def parse_readings(content: bytes) -> tuple[Reading, ...]:
    """The file that `energy.sh` wrote; a reading that is not whole, as the last one may be, is left out.

    Raises:
        ReportRejected: it is not the script's, or there is more in it than that writes.
    """
    paths: dict[str, str] = {}
    found: list[Reading] = []
    uptime: float | None = None
    lines: dict[str, list[str] | None] = {}
    for text in content.decode("utf-8", "replace").split("\n")[:-1]:
        if head := _HEAD.fullmatch(text):
            if head["path"]:
                paths[head["index"]] = head["path"]
            else:
                uptime, lines = float(head["uptime"]), {}
        elif text == "." and uptime is not None:
            whole = {path: None if one is None else tuple(one) for path, one in lines.items()}
            found.append(Reading(uptime, whole))
            uptime = None
        elif (line := _LINE.fullmatch(text)) and uptime is not None:
            _add_line(lines, paths.get(line["index"], "pmic"), line["line"])
        else:
            raise ReportRejected(f"the sensor's file has a line that is not the script's: {excerpt(text)}")
        if len(found) > MOST_READINGS or len(paths) > MOST_LINES_EACH:
            raise ReportRejected("the sensor's file has more readings than were asked for")
    return tuple(found)


def _add_line(lines: dict[str, list[str] | None], path: str, line: str) -> None:
    if line == "!":
        lines[path] = None
        return
    kept = lines.setdefault(path, [])
    if kept is not None and len(kept) < MOST_LINES_EACH:
        kept.append(line)


def lines_of(reading: Reading, path: str) -> tuple[str, ...]:
    """The lines of a file that must be there.

    Raises:
        SensorFailed: it is gone.
    """
    lines = reading.lines.get(path)
    if lines is None:
        raise SensorFailed(f"{_name(path)} could not be read at an uptime of {reading.uptime_s:.0f} s")
    return lines


def number_in(reading: Reading, path: str) -> int:
    """The whole number in a file.

    Raises:
        SensorFailed: it is gone, or holds no number.
    """
    text = " ".join(lines_of(reading, path)).strip()
    if not re.fullmatch(r"-?[0-9]{1,20}", text):
        raise SensorFailed(f"{_name(path)} holds {excerpt(text)!r}, which is not a number")
    return int(text)


def _name(path: str) -> str:
    return "vcgencmd pmic_read_adc" if path == "pmic" else excerpt(path)


def counted_watts(name: str, before: int, after: int, seconds: float) -> float:
    """The mean power by which a counter of microjoules rose, also over its end and on from 0.

    Raises:
        SensorFailed: it counts backwards.
    """
    if after >= before:
        return (after - before) / 1e6 / seconds
    for bits in COUNTER_BITS:
        watts = (after + (1 << bits) - before) / 1e6 / seconds
        if 0 <= watts <= MOST_WRAPPED_WATTS:
            return watts
    raise SensorFailed(f"{excerpt(name)} counts backwards, from {before:,} to {after:,}")


def spans_of_powers(lines: Sequence[tuple[float, float]]) -> tuple[Span, ...]:
    """Spans of `(uptime in seconds, watts)`, each of which is an update: a power holds until the next one."""
    return tuple(
        checked(Span(before, after, after - at, watts))
        for (before, _), (at, watts), (after, _) in zip(lines, lines[1:], lines[2:], strict=False)
        if after > at
    )


def spans_of_held(
    readings: Sequence[Reading],
    values_of: Callable[[Reading], tuple[float, ...]],
    watts_of: Callable[[tuple[float, ...]], float],
    *,
    updates_are_seen: bool,
) -> tuple[Span, ...]:
    """Spans of a sensor that shows a power until its next update: each value holds for as long as it is read.

    Weighted by its own time, a value of a coarse sensor is as likely as the sensor shows it. The power since
    the value before would be weighted by how long another one was shown, which is off by up to a step. That a
    sensor may average until it shows a value is allowed for by `cut_window`: a span begins with the update
    before it.

    An update to an equal value is not seen. Sensors refresh regularly, so that changes are whole refreshes
    apart: with `updates_are_seen` what is read as equal for longer than the shortest of these times was
    updated in between. Without, as for a battery, of whose two files each has its own times, only changes
    count.
    """
    groups = _held(readings, values_of)
    powers = [checked_watts(watts_of(one.values)) for one in groups]
    return tuple(
        Span(
            before.began_s,
            after.began_s,
            after.began_s - one.began_s,
            watts,
            updates=int(updates_are_seen or one.is_change),
            is_change=one.is_change,
        )
        for before, one, after, watts in zip(groups, groups[1:], groups[2:], powers[1:], strict=False)
    )


@dataclass(frozen=True)
class _Held:
    """Values that were first read at an uptime, and whether others were read before."""

    began_s: float
    values: tuple[float, ...]
    is_change: bool


def _held(readings: Sequence[Reading], values_of: Callable[[Reading], tuple[float, ...]]) -> list[_Held]:
    changes = [reading.uptime_s for reading, _ in changed(readings, values_of)]
    gaps = sorted(after - before for before, after in pairwise(changes))
    # One or two short ones may be a reading that came late.
    refresh_s = gaps[len(gaps) // 10] if len(gaps) >= FEWEST_CHANGES else math.inf
    steps = sorted(after.uptime_s - before.uptime_s for before, after in pairwise(readings))
    slack_s = steps[len(steps) // 2] / 2 if steps else 0.0
    found: list[_Held] = []
    for reading in readings:
        values = values_of(reading)
        is_change = not found or values != found[-1].values
        if is_change or reading.uptime_s - found[-1].began_s > refresh_s - slack_s:
            found.append(_Held(reading.uptime_s, values, is_change))
    return found


def changed(
    readings: Sequence[Reading], values_of: Callable[[Reading], tuple[float, ...]]
) -> list[tuple[Reading, tuple[float, ...]]]:
    """The readings in which a sensor shows another value than before: its updates."""
    found: list[tuple[Reading, tuple[float, ...]]] = []
    for reading in readings:
        values = values_of(reading)
        if not found or values != found[-1][1]:
            found.append((reading, values))
    return found


def checked(span: Span) -> Span:
    """The span.

    Raises:
        SensorFailed: no device takes such a power.
    """
    checked_watts(span.watts)
    return span


def checked_watts(watts: float) -> float:
    """The power; raises as `checked` does."""
    if not 0 <= watts <= MOST_WATTS:
        raise SensorFailed(f"the sensor reports {watts:.4g} W, which is not from 0 to {MOST_WATTS:g} W")
    return watts


def cut_window(
    spans: Sequence[Span], began_s: float, seconds: float, *, late_s: float, what: str
) -> EnergyWindow:
    """The spans that lie within a window of the device's uptime.

    An update is seen up to `late_s` after it happened: spans that seem to begin within that time of the
    window's beginning may have begun before it, and are left out. More than `MOST_SPANS` are averaged in
    groups of neighbours, which changes neither the energy nor the time.

    Raises:
        SensorFailed: the window is too short, or the sensor reported too little in it.
    """
    end_s = began_s + seconds
    inside = [span for span in spans if span.begin_s >= began_s + late_s and span.end_s <= end_s]
    if seconds < SHORTEST_WINDOW_S:
        raise SensorFailed(f"{seconds:.0f} s {what} are too short; {SHORTEST_WINDOW_S:.0f} s are needed")
    updates, changes = sum(span.updates for span in inside), sum(span.is_change for span in inside)
    for count, needed in ((updates, FEWEST_UPDATES), (changes, FEWEST_CHANGES)):
        if count < needed:
            how = "changed" if count == changes else "was updated"
            raise SensorFailed(
                f"the sensor {how} {count} times in {seconds:.0f} s {what}; {needed} are needed"
            )
    covered = sum(span.seconds for span in inside)
    if covered < LEAST_COVERED * seconds:
        raise SensorFailed(f"the sensor reported for {covered:.0f} of the {seconds:.0f} s {what}")
    longest = max(span.seconds for span in inside)
    if longest > LONGEST_SILENCE_S:
        raise SensorFailed(f"the sensor was silent for {longest:.0f} of the {seconds:.0f} s {what}")
    size = math.ceil(len(inside) / MOST_SPANS)
    parts = [inside[at : at + size] for at in range(0, len(inside), size)]
    lengths = [sum(span.seconds for span in part) for part in parts]
    return EnergyWindow(
        began_uptime_seconds=began_s,
        seconds=seconds,
        span_seconds=tuple(lengths),
        watts=tuple(
            sum(span.seconds * span.watts for span in part) / length if len(part) > 1 else part[0].watts
            for part, length in zip(parts, lengths, strict=True)
        ),
    )
