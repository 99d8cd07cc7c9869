"""How equal devices of one model are."""

import math

import pytest
from msgspec.structs import replace

from builders import make_cell, make_device
from harness.analysis.tails import student_t_cdf, student_t_quantile
from harness.analysis.units import describe_units, spread_between_units
from harness.records import Cell, Interval


def cell_on(device: str, median_ms: float, **changes: object) -> Cell:
    cell = make_cell()
    assert cell.latency
    median = replace(cell.latency.median_ns, estimate=median_ms * 1e6, low=None, high=None)
    assert isinstance(median, Interval)
    return replace(
        cell,
        device=make_device(name=device),
        latency=replace(cell.latency, median_ns=median),
        **changes,
    )


def test_three_devices_show_where_a_further_one_lies() -> None:
    figures = {"a": 10.0, "b": 10.2, "c": 10.4}
    (spread,) = spread_between_units(cell_on(name, figure) for name, figure in figures.items())
    assert spread.figures == pytest.approx(figures)
    assert spread.range_share == pytest.approx(0.04)
    logs = [math.log(figure) for figure in figures.values()]
    mean = sum(logs) / 3
    deviation = math.sqrt(sum((one - mean) ** 2 for one in logs) / 2)
    # Student's t of 2 degrees of freedom at 97.5 % is 4.3027 in every table.
    assert spread.next_high == pytest.approx(math.exp(4.3027 * deviation * math.sqrt(4 / 3)), rel=1e-5)
    assert spread.next_low == pytest.approx(math.exp(-4.3027 * deviation * math.sqrt(4 / 3)), rel=1e-5)
    (line,) = describe_units([spread])
    assert "a 10, b 10.2, c 10.4 ms" in line
    assert "95% of further devices" in line


def test_of_two_devices_nothing_is_said_about_a_third() -> None:
    (spread,) = spread_between_units([cell_on("a", 10.0), cell_on("b", 11.0)])
    assert (spread.next_low, spread.next_high) == (None, None)
    assert "3 devices would show" in describe_units([spread])[0]


def test_a_cell_of_one_device_or_that_failed_is_compared_with_none() -> None:
    assert spread_between_units([cell_on("a", 10.0)]) == ()
    assert spread_between_units([cell_on("a", 10.0), cell_on("b", 10.0, failure="killed")]) == ()


@pytest.mark.parametrize("freedom", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("probability", [0.6, 0.95, 0.975, 0.999])
def test_quantiles_are_where_the_tail_reaches_the_probability(probability: float, freedom: int) -> None:
    scipy_stats = pytest.importorskip("scipy.stats")
    found = student_t_quantile(probability, freedom)
    assert found == pytest.approx(scipy_stats.t.ppf(probability, freedom))
    assert student_t_cdf(found, freedom) == pytest.approx(probability)
