"""A width in words: one share for both sides only where both are about as wide."""

import pytest

from harness.analysis.interval_text import describe_width
from harness.analysis.quantities import milliseconds
from harness.records import Interval


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (9.0e6, 11.0e6, "±10.0%"),
        (9.0e6, 11.4e6, "±12.0%"),
        (10.0e6, 20.29e6, "10 ms (10 ms to 20.29 ms)"),
        (5.0e6, 11.0e6, "10 ms (5 ms to 11 ms)"),
        (10.5e6, 11.0e6, "10 ms (10.5 ms to 11 ms)"),
    ],
)
def test_a_share_stands_for_both_sides_only_where_they_are_alike(low: float, high: float, text: str) -> None:
    assert describe_width(Interval(estimate=10e6, low=low, high=high), milliseconds) == text
