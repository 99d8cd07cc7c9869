import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.numbers import count_span, significant, span, with_uncertainty


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0, 3, "0"),
        (0.04567, 3, "0.0457"),
        (3.14159, 3, "3.14"),
        (42, 3, "42.0"),
        (1234567, 3, "1,234,567"),
        (-2.5, 2, "-2.5"),
    ],
)
def test_a_number_has_its_significant_digits_and_thousands_apart(
    value: float, digits: int, text: str
) -> None:
    assert significant(value, digits) == text


@pytest.mark.parametrize(
    ("estimate", "half_width", "text"),
    [
        (20.04049, 0.01234, "20.040 ± 0.012"),
        (73.61, 1.13, "73.6 ± 1.1"),
        (1234.5, 25, "1,234 ± 25"),
        (20.0404, 0.0, "20.040"),
        (57.691178, 0.0, "57.691"),
        (8.04, 4_624_268.0, "8.0 ± over 100 %"),
        (8.04, 8.04, "8.0 ± over 100 %"),
    ],
)
def test_an_estimate_shows_the_digits_its_uncertainty_carries(
    estimate: float, half_width: float, text: str
) -> None:
    assert with_uncertainty(estimate, half_width) == text


@given(st.floats(1e-3, 1e6), st.floats(1e-6, 1e5))
def test_what_is_shown_is_the_estimate_to_within_its_uncertainty(estimate: float, half_width: float) -> None:
    shown = float(re.split(" ± ", with_uncertainty(estimate, half_width))[0].replace(",", ""))
    assert abs(shown - estimate) <= max(half_width, 1e-6)


def test_a_span_of_one_value_is_that_value() -> None:
    assert span([5.01, 5.02]) == "5.0"
    assert span([13.4, 41, 20]) == "13–41"  # noqa: RUF001
    assert count_span([5, 5]) == "5"
    assert count_span([1200, 90]) == "90–1,200"  # noqa: RUF001
