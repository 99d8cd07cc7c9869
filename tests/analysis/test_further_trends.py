"""Start-up, the sustained latency and energy over runs, where runs have them."""

from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from builders import (
    make_cell,
    make_cold,
    make_energy_cell,
    make_energy_run,
    make_sustained_cell,
    make_sustained_run,
    with_verdict,
)
from harness.analysis.comparison_rule import FigureName
from harness.analysis.history import trace
from harness.analysis.history_text import to_lines
from harness.records import Cell, Interval
from past_runs import COUNTED, nights, trend_of

STEP, AT = 1.2, 12
LEVELS = np.exp(np.random.default_rng(5).normal(0, 0.005, 20)) * np.where(np.arange(20) < AT, 1.0, STEP)
PLAIN = make_cell()
METERED = make_energy_cell(make_energy_run())
SUSTAINED = make_sustained_cell(make_sustained_run((120, 10.0)))
COLD = replace(make_cell(), cold=make_cold(60, 61, 62, 63, 64, 65))


def near(value: float) -> Interval:
    return Interval(estimate=value, low=0.995 * value, high=1.005 * value)


def started(level: float) -> Cell:
    assert PLAIN.startup is not None
    return replace(PLAIN, startup=replace(PLAIN.startup, total_ns=near(44e6 * level)))


def cold(level: float) -> Cell:
    assert COLD.cold is not None
    assert COLD.cold.startup is not None
    startup = replace(COLD.cold.startup, total_ns=near(62e6 * level))
    return replace(COLD, cold=replace(COLD.cold, startup=startup))


def sustained(level: float, seconds: int = 120) -> Cell:
    assert SUSTAINED.sustained is not None
    assert SUSTAINED.sustained.figures is not None
    figures = replace(SUSTAINED.sustained.figures, plateau_ns=near(12e6 * level))
    return replace(SUSTAINED, sustained=replace(SUSTAINED.sustained, figures=figures, seconds=seconds))


def metered(level: float, covers: str = "what it is wired to") -> Cell:
    assert METERED.energy is not None
    assert METERED.energy.figures is not None
    assert METERED.energy.run is not None
    energy = replace(
        METERED.energy,
        figures=replace(METERED.energy.figures, net_joules=near(0.02 * level)),
        run=replace(METERED.energy.run, source=replace(METERED.energy.run.source, covers=covers)),
    )
    return replace(METERED, energy=energy)


FIGURES: dict[FigureName, Callable[[float], Cell]] = {
    "start-up": started,
    "cold start-up": cold,
    "sustained latency": sustained,
    "energy": metered,
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_step_is_found_at_its_run(name: FigureName) -> None:
    history = trace(nights([FIGURES[name](float(level)) for level in LEVELS]))
    (change,) = trend_of(history, name).changes
    assert (change.at, change.direction) == (AT, "worse")
    assert change.change == pytest.approx(STEP - 1, abs=0.01)
    others = [trend for trend in history.trends if trend.figure != name]
    assert others
    assert not any(trend.changes for trend in others)


def test_the_change_stands_in_its_unit_and_newest_first_shown_is_worse() -> None:
    cells = [metered(float(level)) for level in LEVELS]
    lines = to_lines(trace(nights(cells)))
    (head,) = (line for line in lines if line.startswith("  energy "))
    assert " mJ, 20 runs" in head
    (change,) = (line for line in lines if "worse: " in line)
    assert change.startswith("    worse: +19.7 % (19.99 mJ → 23.93 mJ)")
    newly = [count for count in range(AT, 21) if trace(nights(cells[:count])).newly_worse]
    assert len(newly) == 1


def test_runs_without_the_figure_have_no_point_and_without_any_there_is_no_trend() -> None:
    history = trace(nights([metered(1.0), PLAIN, metered(1.0)]))
    assert [point.run_id for point in trend_of(history, "energy").points] == ["night-00", "night-02"]
    plain = {trend.figure for trend in trace(nights([PLAIN] * 3)).trends}
    assert plain == {"latency", "start-up", "peak RSS", "file size"}
    failed = make_energy_cell("the meter died", make_sustained_cell("the device restarted"))
    assert {trend.figure for trend in trace(nights([failed] * 3)).trends} == plain


def test_energies_of_another_sensor_than_the_newest_decide_nothing() -> None:
    cells = [metered(3.0, "the whole device")] * 8 + [metered(float(level)) for level in LEVELS[:AT]]
    trend = trend_of(trace(nights(cells)), "energy")
    assert trend.changes == ()
    assert [point.left_out for point in trend.points[7:9]] == ["read by hwmon: the whole device", None]


def test_a_sustained_run_of_another_length_than_the_newest_decides_nothing() -> None:
    cells = [sustained(0.8, seconds=60)] * 8 + [sustained(float(level)) for level in LEVELS[:AT]]
    trend = trend_of(trace(nights(cells)), "sustained latency")
    assert trend.changes == ()
    assert trend.points[0].left_out == "sustained for 60 s"


@pytest.mark.parametrize(
    ("cell", "name", "code"),
    [
        (sustained(2.0), "sustained latency", "still_falling"),
        (sustained(2.0), "sustained latency", "sustained_began_warm"),
        (metered(2.0), "energy", "idle_power_changed"),
        (started(2.0), "start-up", "throttled"),
        (cold(2.0), "cold start-up", "throttled"),
    ],
)
def test_a_value_that_its_verdict_doubts_is_shown_and_decides_nothing(
    cell: Cell, name: FigureName, code: str
) -> None:
    history = trace(nights([with_verdict(cell, "suspect", code, "so it was")]))
    (point,) = trend_of(history, name).points
    assert point.left_out == code
    counted = {trend.figure for trend in history.trends if trend.points[0].left_out is None}
    assert ("latency" in counted) == (code != "throttled")


def test_times_of_an_emulator_are_no_trends() -> None:
    assert SUSTAINED.sustained is not None
    cell = replace(COUNTED, sustained=SUSTAINED.sustained, cold=COLD.cold, energy=METERED.energy)
    assert {trend.figure for trend in trace(nights([cell] * 3)).trends} == {
        "instructions",
        "peak RSS",
        "file size",
    }
