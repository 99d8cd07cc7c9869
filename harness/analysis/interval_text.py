"""The width of an interval in words."""

from collections.abc import Callable

from harness.records import Interval

# Sides that differ by more have no width in common: half of both would be on neither side.
MOST_LOPSIDED = 1.5


def describe_width(interval: Interval, show: Callable[[float], str]) -> str:
    """`±4.2%`; where the sides differ, the estimate and the ends: `10 ms (9.9 ms to 20 ms)`."""
    narrower, wider = sorted((interval.estimate - interval.low, interval.high - interval.estimate))
    if wider > MOST_LOPSIDED * narrower:
        return f"{show(interval.estimate)} ({show(interval.low)} to {show(interval.high)})"
    return f"±{interval.relative_half_width:.1%}"
