import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.units import parse_count, parse_share, parse_size, parse_time, parse_wait
from harness.errors import UsageError


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_time, "20ms", 20_000_000),
        (parse_time, "1.5 s", 1_500_000_000),
        (parse_time, "800us", 800_000),
        (parse_time, "800µs", 800_000),
        (parse_time, " 5 NS ", 5),
        (parse_wait, "120s", 120),
        (parse_wait, "0", 0),
        (parse_wait, "0s", 0),
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
