"""Quantities with their units: each reads as typed, each wrong one is refused with an example."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.units import (
    HOUR_S,
    parse_celsius,
    parse_celsius_difference,
    parse_count,
    parse_duration,
    parse_share,
    parse_size,
    parse_time,
)
from harness.errors import UsageError


def parse_wait(text: str) -> float:
    return parse_duration(text, max_seconds=HOUR_S)


def parse_timed(text: str) -> float:
    return parse_duration(text, bare_unit="s", max_seconds=HOUR_S)


def parse_minutes(text: str) -> float:
    return parse_duration(text, bare_unit="m")


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_time, "20ms", 20_000_000),
        (parse_time, "1.5 s", 1_500_000_000),
        (parse_time, "800us", 800_000),
        (parse_time, "800µs", 800_000),
        (parse_time, " 5 NS ", 5),
        (parse_time, "2m", 120_000_000_000),
        (parse_wait, "120s", 120),
        (parse_wait, "500ms", 0.5),
        (parse_wait, "5m", 300),
        (parse_wait, "1 h", 3600),
        (parse_wait, "0", 0),
        (parse_wait, "0s", 0),
        (parse_wait, " 0.0 ", 0),
        (parse_timed, "2", 2),
        (parse_timed, "0.2", 0.2),
        (parse_timed, "250ms", 0.25),
        (parse_timed, "0", 0),
        (parse_minutes, "3", 180),
        (parse_minutes, "0.5", 30),
        (parse_minutes, "90s", 90),
        (parse_minutes, "2h", 7200),
        (parse_celsius_difference, "3C", 3),
        (parse_celsius_difference, "1.5 °C", 1.5),
        (parse_celsius_difference, "3K", 3),
        (parse_celsius_difference, "0.1", 0.1),
        (parse_celsius, "35C", 35),
        (parse_celsius, "35.5 °c", 35.5),
        (parse_celsius, "35", 35),
        (parse_size, "40MB", 40_000_000),
        (parse_size, "40MiB", 40 * 2**20),
        (parse_size, "512 kb", 512_000),
        (parse_count, "60M", 60_000_000),
        (parse_count, "57691178", 57_691_178),
        (parse_share, "60%", 0.6),
        (parse_share, "60 %", 0.6),
        (parse_share, "0.6", 0.6),
        (parse_share, "100%", 1.0),
    ],
)
def test_a_quantity_is_read_with_its_unit(parse: Callable[[str], float], text: str, value: float) -> None:
    assert parse(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("parse", "text", "complaint"),
    [
        (parse_time, "20", "has no unit"),
        (parse_time, "20 parsecs", "unknown unit, 'parsecs'"),
        (parse_time, "soon", "is not a time"),
        (parse_time, "-5ms", "is not a time"),
        (parse_time, "0ms", "is not above 0"),
        (parse_time, "1" * 400 + "ms", "is not above 0"),
        (parse_wait, "3601s", "more than an hour"),
        (parse_wait, "120", "has no unit"),
        (parse_wait, "2h", "more than an hour"),
        (parse_wait, "-1s", "is not a duration"),
        (parse_timed, "3601", "more than an hour"),
        (parse_timed, "soon", "is not a duration"),
        (parse_minutes, "1e6h", "is not a duration"),
        (parse_minutes, "9000h", "more than a year"),
        (parse_celsius, "95F", "unknown unit, 'F'"),
        (parse_celsius, "400C", "more than 120 °C"),
        (parse_celsius, "0C", "is not above 0"),
        (parse_size, "40 apples", "unknown unit"),
        (parse_size, "nan", "is not a size"),
        (parse_count, "60ms", "unknown unit"),
        (parse_share, "60", "more than 100 %"),
        (parse_share, "101%", "more than 100 %"),
        (parse_share, "", "is not a share"),
    ],
)
def test_what_is_not_a_quantity_is_refused_with_an_example(
    parse: Callable[[str], float], text: str, complaint: str
) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        parse(text)
    assert "such as" in caught.value.hint


@given(st.text(max_size=12))
def test_any_text_is_either_a_positive_time_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert parse_time(text) > 0
