"""Quantities as people type them, with their unit: `20ms`, `40MB`, `60%`, `60M`."""

import math
import re
from collections.abc import Mapping

from harness.errors import UsageError

_TIMES = {"ns": 1.0, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9}
_SIZES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_COUNTS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_NUMBER_AND_UNIT = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([^\s0-9.]*)\s*")


def parse_time(text: str) -> int:
    """`20ms`, `1.5 s`, `800us` in nanoseconds; raises `UsageError` when it is not a time above 0."""
    return max(1, round(_parse(text, _TIMES, "a time", "20ms or 1.5s")))


def parse_wait(text: str) -> float:
    """`120s` in seconds, at most an hour; `0` waits for nothing; raises `UsageError` when it is neither."""
    if text.strip() in ("0", "0s"):
        return 0.0
    seconds = parse_time(text) / 1e9
    if seconds > 3600:
        raise UsageError(f"{text!r} is more than an hour", hint="write a time such as 120s, or 0")
    return seconds


def parse_size(text: str) -> int:
    """`40MB` (10^6), `40MiB` (2^20) in bytes; raises `UsageError` when it is not a size above 0."""
    return max(1, round(_parse(text, _SIZES, "a size", "40MB or 40MiB")))


def parse_count(text: str) -> int:
    """`60M` (millions), `1.2G`, `57691178`; raises `UsageError` when it is not a count above 0."""
    return max(1, round(_parse(text, _COUNTS, "a count", "60M or 57691178")))


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
