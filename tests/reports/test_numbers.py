import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.numbers import count_span, significant, span, with_interval


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
    ("estimate", "low", "high", "text"),
    [
        (20.04049, 20.03, 20.05283, "20.040 ± 0.012"),
        (73.61, 72.48, 74.7, "73.6 ± 1.1"),
        (1234.5, 1209.5, 1259.5, "1,234 ± 25"),
        (4.0, 3.95, 4.1, "4.00 ± 0.10"),
        (20.0404, 20.0404, 20.0404, "20.040"),
        (57.691178, 57.691178, 57.691178, "57.691"),
    ],
)
def test_an_estimate_shows_the_digits_its_uncertainty_carries(
    estimate: float, low: float, high: float, text: str
) -> None:
    assert with_interval(estimate, low, high) == text


@pytest.mark.parametrize(
    ("estimate", "low", "high", "text"),
    [
        (2.61, 1.87, 4.41, "2.6 (1.9–4.4)"),  # noqa: RUF001
        (0.25, 0.243, 0.54, "0.25 (0.24–0.54)"),  # noqa: RUF001
        (8.04, -3.0, 19.1, "8.0 (0–19)"),  # noqa: RUF001
        (8.04, 7.9, 4_624_268.0, "8.0 (7.9–4,624,268)"),  # noqa: RUF001
    ],
)
def test_a_wide_uneven_interval_is_shown_with_both_ends_and_never_below_zero(
    estimate: float, low: float, high: float, text: str
) -> None:
    assert with_interval(estimate, low, high) == text


@given(st.floats(1e-3, 1e6), st.floats(0, 1e5), st.floats(0, 1e5))
def test_no_plus_minus_reaches_zero(estimate: float, below: float, above: float) -> None:
    shown = with_interval(estimate, estimate - below, estimate + above)
    middle, _, half_width = shown.replace(",", "").partition(" ± ")
    assert not half_width or float(half_width) <= float(middle)
    assert abs(float(middle.partition(" (")[0]) - estimate) <= max(below, above, 0.05 * estimate, 1e-6)


def test_a_span_of_one_value_is_that_value() -> None:
    assert span([5.01, 5.02]) == "5.0"
    assert span([13.4, 41, 20]) == "13–41"  # noqa: RUF001
    assert count_span([5, 5]) == "5"
    assert count_span([1200, 90]) == "90–1,200"  # noqa: RUF001
