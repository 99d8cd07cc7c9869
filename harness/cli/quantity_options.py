"""Options with a quantity: shares, durations and temperatures; an error names the option."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar, overload

from harness.cli.units import (
    HOUR_S,
    parse_celsius,
    parse_celsius_difference,
    parse_duration,
    parse_share,
)
from harness.errors import UsageError
from harness.records.sustained import LONGEST_SUSTAIN_S, SHORTEST_SUSTAIN_S

T = TypeVar("T")
# Durations in seconds; a bare number is of the unit that is named.
RUN_TIME = partial(parse_duration, zero=False)
MINUTES = partial(parse_duration, bare_unit="m", zero=False)
TIMED = partial(parse_duration, bare_unit="s", max_seconds=HOUR_S)
MOST_TIMED = partial(TIMED, zero=False)
COOLING = partial(parse_duration, max_seconds=HOUR_S)


def parse_precision_target(text: str) -> float:
    """Half the width of an interval relative to its median, such as `2%`."""
    target = parse_named("--target-precision", parse_share, text)
    if not 0 < target < 1:
        raise UsageError(f"--target-precision {text!r} is not above 0 and below 100 %", hint="for example 2%")
    return target


def parse_confidence(text: str) -> float:
    """The share of intervals that should cover, from 50 % up to 99 %."""
    share = parse_named("--confidence", parse_share, text) or 0.0
    if not 0.5 <= share <= 0.99:
        raise UsageError(f"--confidence {text!r} is not from 50 % to 99 %", hint="for example 90%")
    return share


@overload
def parse_margin(option: str, text: str) -> float: ...
@overload
def parse_margin(option: str, text: None) -> None: ...
@overload
def parse_margin(option: str, text: str | None) -> float | None: ...
def parse_margin(option: str, text: str | None) -> float | None:
    """How much worse still counts as no worse: a share above 0, such as `3%`; None where it is not given."""
    try:
        return None if text is None else parse_share(text)
    except UsageError as error:
        hint = f"give the smallest change that matters, such as {option} 3%"
        raise UsageError(f"{option}: {error.what}", hint=hint) from None


def parse_min_time(text: str | None) -> float | None:
    """The minimum timed duration in seconds, at most an hour; a bare number is seconds."""
    return parse_named("--min-time", TIMED, text)


def parse_max_time(text: str | None) -> float | None:
    """The same for the maximum, which is above 0."""
    return parse_named("--max-time", MOST_TIMED, text)


def parse_cooling(text: str | None) -> float | None:
    """The maximum time to cool down, in seconds, at most an hour."""
    return parse_named("--max-cooling", COOLING, text)


def parse_time_limit(time_limit: str | None, max_minutes: str | None) -> float | None:
    """`--time-limit` in minutes, or its older name `--max-minutes`, of which a bare number is minutes."""
    if time_limit is not None and max_minutes is not None:
        raise UsageError("--max-minutes is an older name of --time-limit", hint="give one of them")
    seconds = parse_named("--time-limit", RUN_TIME, time_limit)
    if max_minutes is not None:
        seconds = parse_named("--max-minutes", MINUTES, max_minutes)
    return None if seconds is None else seconds / 60


def parse_sustain(text: str | None) -> int | None:
    """How long to run back to back, in whole seconds: from a minute to four hours.

    The first ten seconds are compared with the last quarter, whose fifteen seconds are the fewest that show
    whether it is level.
    """
    seconds = parse_named("--sustain", parse_duration, text)
    if seconds is None:
        return None
    if not SHORTEST_SUSTAIN_S <= seconds <= LONGEST_SUSTAIN_S:
        raise UsageError(
            f"--sustain {text!r} is not from {SHORTEST_SUSTAIN_S} s to {LONGEST_SUSTAIN_S // 3600} h:"
            " the first 10 s are compared with the last quarter, which must be level",
            hint="phones need some minutes to become as slow as they get: --sustain 10m",
        )
    return round(seconds)


def parse_cool_within(text: str | None) -> float | None:
    """How much warmer than before the first process a cool device may be, in °C."""
    return parse_named("--cool-within", parse_celsius_difference, text)


def parse_max_temp(text: str | None) -> float | None:
    """The maximum temperature before a process, in °C."""
    return parse_named("--max-temp", parse_celsius, text)


@overload
def parse_named(option: str, parse: Callable[[str], T], text: str) -> T: ...
@overload
def parse_named(option: str, parse: Callable[[str], T], text: None) -> None: ...
@overload
def parse_named(option: str, parse: Callable[[str], T], text: str | None) -> T | None: ...
def parse_named(option: str, parse: Callable[[str], T], text: str | None) -> T | None:
    """Parse the quantity of an option, if it is given; an error then names the option."""
    if text is None:
        return None
    try:
        return parse(text)
    except UsageError as error:
        raise UsageError(f"{option}: {error.what}", hint=error.hint) from None
