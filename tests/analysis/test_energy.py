"""Energy of an inference from windows of power: figures, intervals, and what is no energy."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from builders import make_cell, make_energy_cell, make_energy_run, make_energy_window
from harness.analysis.budget import Budget, find_misses
from harness.analysis.cautions import cautions
from harness.analysis.cell_comparison import ComparedCell
from harness.analysis.cell_text import describe
from harness.analysis.chance import chance_within
from harness.analysis.comparison import compare
from harness.analysis.energy import net_watts_bounds, student_t, summarize_energy
from harness.analysis.failures import cell_errors
from harness.analysis.selection import pick
from harness.errors import MeasurementError, UsageError
from harness.records import Cell, EnergyRun, EnergySource, EnergyWindow

RUN = make_energy_run()


def test_the_idle_device_is_subtracted_and_both_are_kept() -> None:
    figures = summarize_energy(make_energy_run(3.0, (0.9, 1.1), 6000), seed=0)
    assert figures.net_joules.estimate == pytest.approx(2.0 * 60 / 6000)
    assert figures.gross_joules == pytest.approx(3.0 * 60 / 6000)
    assert figures.mean_watts == pytest.approx(3.0)
    assert (figures.idle_before_watts, figures.idle_after_watts) == pytest.approx((0.9, 1.1))
    assert figures.net_joules.low < 0.02 < figures.net_joules.high
    assert figures.net_joules.confidence == 0.95


def test_spans_of_different_length_count_by_their_length() -> None:
    window = EnergyWindow(began_uptime_seconds=0.0, seconds=40.0, span_seconds=(1.0, 3.0), watts=(1.0, 2.0))
    assert window.mean_watts == pytest.approx(7 / 4)


def test_no_noise_gives_no_width() -> None:
    flat = make_energy_run(
        idle_before=make_energy_window(1005.0, 40.0, 1.0, spread=0.0),
        load=make_energy_window(1046.0, 60.0, 3.0, spread=0.0),
        idle_after=make_energy_window(1112.0, 40.0, 1.0, spread=0.0),
    )
    assert net_watts_bounds(flat, seed=0) == pytest.approx((2.0, 2.0))


def test_a_load_that_takes_no_more_than_the_idle_device_is_no_figure() -> None:
    with pytest.raises(MeasurementError, match=r"ina226 VDD_IN shows 1 W under load and 1\.1 W idle"):
        summarize_energy(make_energy_run(1.0, (1.1, 1.1)), seed=0)


def _noisy(generator: np.random.Generator, correlation: float) -> EnergyRun:
    def window(began_s: float, seconds: int, watts: float) -> EnergyWindow:
        count = seconds - 1
        noise = np.empty(count)
        value = generator.normal(0, 0.05)
        for index in range(count):
            noise[index] = value
            value = correlation * value + generator.normal(0, 0.05 * math.sqrt(1 - correlation**2))
        return EnergyWindow(
            began_uptime_seconds=began_s,
            seconds=float(seconds),
            span_seconds=(1.0,) * count,
            watts=tuple(watts + noise),
        )

    return make_energy_run(
        idle_before=window(1005.0, 40, 1.0), load=window(1046.0, 60, 3.0), idle_after=window(1112.0, 40, 1.0)
    )


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_intervals_cover_about_as_often_as_they_say(correlation: float) -> None:
    """The bench counts 1,000 windows; here 200 leave a standard deviation of 1.5 points."""
    generator = np.random.default_rng(7)
    held = 0
    for seed in range(200):
        low, high = net_watts_bounds(_noisy(generator, correlation), seed=seed)
        held += low <= 2.0 <= high
    assert 0.89 <= held / 200 <= 0.99


def test_students_quantile_falls_with_the_degrees_of_freedom() -> None:
    assert student_t(0.5) == student_t(3.0) == 3.182
    assert student_t(4.9) == 2.776
    assert student_t(1000.0) == 2.131


def test_a_budget_limits_the_worse_end_of_the_interval() -> None:
    cell = make_energy_cell(RUN)
    assert find_misses(cell, None, Budget(max_energy_joules=0.021)) == ()
    (miss,) = find_misses(cell, None, Budget(max_energy_joules=0.02))
    assert miss.reason.startswith("energy up to 20.")
    assert miss.reason.endswith(" mJ is over 20 mJ")
    (missing,) = find_misses(make_cell(), None, Budget(max_energy_joules=0.02))
    assert missing.reason == "energy not measured"
    assert (chance_within(cell, None, Budget(max_energy_joules=0.02)) or 0) == pytest.approx(0.5, abs=0.1)


def test_a_choice_among_energies_of_several_sensors_has_a_caution() -> None:
    by_sensor = make_energy_cell(RUN)
    battery = EnergySource(kind="battery", name="gauge", covers="the whole device")
    by_battery = make_energy_cell(replace(RUN, source=battery))
    assert not any("sensors" in one for one in cautions(by_sensor, "measured", [by_sensor, by_sensor]))
    assert cautions(by_sensor, "measured", [by_sensor, by_battery]) == (
        *cautions(by_sensor, "measured"),
        "the energies were read by sensors that cannot be compared: hwmon: what it is wired to;"
        " battery: the whole device",
    )
    assert " mJ (at most " in describe(by_sensor)
    assert ") without idle" in describe(by_sensor)


def test_a_choice_by_energy_needs_a_cell_with_one() -> None:
    budget = Budget(max_energy_joules=0.021)
    (answer,) = pick([make_energy_cell(RUN)], budget, device=None, outcomes={}).answers
    assert answer.best is not None
    with pytest.raises(
        UsageError, match="no cell has a figure for the energy that --max-energy limits"
    ) as refused:
        pick([make_cell()], budget, device=None, outcomes={})
    assert refused.value.hint == "measure it: harness run --energy"


def test_energy_that_was_asked_for_and_is_missing_is_an_error_of_the_run() -> None:
    (error,) = cell_errors([make_energy_cell("the meter died")])
    assert error.what == "no energy figure: the meter died"


def compared(base: Cell, new: Cell) -> ComparedCell:
    (cell,) = compare([base], [new]).cells
    return cell
