"""Quantities as people type them, with their unit: `20ms`, `5m`, `40MB`, `60%`, `60M`, `35C`, `5mJ`."""

import math
import re
from collections.abc import Mapping

from harness.errors import UsageError

_TIMES = {
    "ns": 1.0,
    "us": 1e3,
    "µs": 1e3,
    "ms": 1e6,
    "s": 1e9,
    "m": 60e9,
    "min": 60e9,
    "h": 3600e9,
}
_SIZES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_COUNTS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_ENERGIES = {"uj": 1e-6, "µj": 1e-6, "mj": 1e-3, "j": 1.0}
_TEMPERATURES = {"": 1.0, "c": 1.0, "°c": 1.0}
_TEMPERATURE_DIFFERENCES = {**_TEMPERATURES, "k": 1.0}
_NUMBER_AND_UNIT = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([^\s0-9.]*)\s*")
HOUR_S = 3600.0
YEAR_S = 366 * 24 * HOUR_S
# Hotter than any phone may run; a gate above it would hold nothing back.
MAX_CELSIUS = 120.0
LEAST_DIFFERENCE_CELSIUS = 0.1
MOST_DIFFERENCE_CELSIUS = 50.0


def parse_time(text: str) -> int:
    """`20ms`, `1.5 s`, `800us`, `2m` in nanoseconds; raises `UsageError` when it is not a time above 0."""
    return max(1, round(_parse(text, _TIMES, "a time", "20ms or 1.5s")))


def parse_duration(
    text: str, *, bare_unit: str = "", max_seconds: float = YEAR_S, zero: bool = True
) -> float:
    """`500ms`, `2s`, `5m`, `1h` in seconds; a bare number is of `bare_unit`, where there is one.

    Raises:
        UsageError: it is not a duration, longer than `max_seconds`, or 0 without `zero`.
    """
    text = text.strip()
    if zero and re.fullmatch(r"0+(\.0*)?(ns|us|µs|ms|s|m|min|h)?", text, re.IGNORECASE):
        return 0.0
    units = {**_TIMES, "": _TIMES[bare_unit]} if bare_unit else _TIMES
    seconds = _parse(text, units, "a duration", "500ms, 2s, 5m or 1h") / 1e9
    if seconds > max_seconds:
        limit = {HOUR_S: "an hour", YEAR_S: "a year"}.get(max_seconds, f"{max_seconds:g} s")
        raise UsageError(f"{text!r} is more than {limit}", hint="write a duration such as 500ms, 2s or 5m")
    return seconds


def parse_celsius(text: str) -> float:
    """`35C`, `35 °C` or `35` in °C; raises `UsageError` when it is not a temperature above 0."""
    celsius = _parse(text, _TEMPERATURES, "a temperature", "35C")
    if celsius > MAX_CELSIUS:
        raise UsageError(f"{text!r} is more than {MAX_CELSIUS:g} °C", hint="write a temperature such as 35C")
    return celsius


def parse_celsius_difference(text: str) -> float:
    """`3C`, `1.5 °C`, `3K` or `3` in °C.

    Raises:
        UsageError: it is no temperature difference from 0.1 to 50 °C.
    """
    celsius = _parse(text, _TEMPERATURE_DIFFERENCES, "a temperature difference", "3C")
    if not LEAST_DIFFERENCE_CELSIUS <= celsius <= MOST_DIFFERENCE_CELSIUS:
        raise UsageError(
            f"{text!r} is not from {LEAST_DIFFERENCE_CELSIUS:g} to {MOST_DIFFERENCE_CELSIUS:g} °C",
            hint="write a temperature difference such as 3C",
        )
    return celsius


def parse_size(text: str) -> int:
    """`40MB` (10^6), `40MiB` (2^20) in bytes; raises `UsageError` when it is not a size above 0."""
    return max(1, round(_parse(text, _SIZES, "a size", "40MB or 40MiB")))


def parse_count(text: str) -> int:
    """`60M` (millions), `1.2G`, `57691178`; raises `UsageError` when it is not a count above 0."""
    return max(1, round(_parse(text, _COUNTS, "a count", "60M or 57691178")))


def parse_energy(text: str) -> float:
    """`5mJ`, `0.2J`, `800uJ` in joules; raises `UsageError` when it is not an energy above 0."""
    return _parse(text, _ENERGIES, "an energy", "5mJ or 0.2J")


def parse_share(text: str) -> float:
    """`60%` or `0.6` as a fraction; raises `UsageError` when it is not between 0 and 100 %."""
    value = _parse(text, {"": 1.0, "%": 0.01}, "a share", "60%")
    if value > 1:
        raise UsageError(f"{text!r} is more than 100 %", hint="write a percentage such as 60%")
    return value


def _parse(text: str, units: Mapping[str, float], kind: str, example: str) -> float:
    match = _NUMBER_AND_UNIT.fullmatch(text)
    hint = f"write {kind} such as {example}"
    if not match:
        raise UsageError(f"{text!r} is not {kind}", hint=hint)
    unit = match[2].lower()
    if unit not in units:
        missing = "has no unit" if not unit else f"has an unknown unit, {match[2]!r}"
        raise UsageError(f"{text!r} {missing}", hint=hint)
    value = float(match[1]) * units[unit]
    if not 0 < value < math.inf:
        raise UsageError(f"{text!r} is not above 0", hint=hint)
    return value
