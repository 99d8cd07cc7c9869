"""The device's conditions and settings in the report, and their plot over time."""

from pathlib import Path

import numpy as np
from msgspec.structs import replace

from builders import make_cell, make_device, make_process
from harness.records import (
    Cell,
    Conditions,
    ConditionsSample,
    SampledConditions,
    Temperature,
    TunedSetting,
    UnreadableFact,
)
from reports import conditions
from reports.pictures import draw_pictures
from reports.plots import over_time
from reports.sections import arrange
from reports.style import Omitted

CALM = Conditions(
    frequencies_khz=(1_800_000,) * 2,
    governors=("schedutil",) * 2,
    temperatures=(Temperature(zone="cpu", celsius=40.0),),
    memory_available_bytes=2_000_000_000,
    battery_percent=83,
    battery_celsius=31.4,
    wakefulness="Awake",
    load_average_1min=0.5,
)
WARM = replace(CALM, temperatures=(Temperature(zone="cpu", celsius=47.0),), battery_percent=82)
SAMPLED = SampledConditions(
    period_seconds=0.5,
    cores=(0, 1),
    zones=("cpu",),
    samples=tuple(
        ConditionsSample(uptime_seconds=i / 2, frequencies_khz=(600_000, khz), celsius=(degrees,))
        for i, (khz, degrees) in enumerate(((1_800_000, 45.0), (900_000, 62.0), (None, None)))
    ),
    unreadable={"zone cpu": "in 1 of 3 samples"},
)


def sampled_cell() -> Cell:
    processes = tuple(
        make_process(round_, sampled=SAMPLED, conditions_before=CALM, conditions_after=WARM)
        for round_ in range(2)
    )
    return make_cell(processes=processes)


def test_conditions_before_after_and_while_measuring_are_in_one_row() -> None:
    (row,) = conditions.describe([sampled_cell()])
    texts = dict(zip(conditions.COLUMNS, row.texts, strict=True))
    assert texts["temperature °C"] == "40 → 47"
    assert texts["hottest while measuring °C"] == "45–62"  # noqa: RUF001
    assert texts["fastest core's MHz while measuring"] == "600–1,800"  # noqa: RUF001
    assert texts["battery %"] == "83 → 82"
    assert texts["available memory MB"] == "2,000"
    assert conditions.unreadable([sampled_cell()]) == (("zone cpu", "in 1 of 3 samples"),)
    nameless = make_device(unreadable=(UnreadableFact(fact="model", reason="no ro.product.model"),))
    assert conditions.unreadable([make_cell(device=nameless)]) == (("model", "no ro.product.model"),)


def test_tuned_settings_are_shown_as_read_back_or_with_the_reason_for_refusal() -> None:
    settings = (
        TunedSetting(name="governor.policy0", before="schedutil", now="performance"),
        TunedSetting(name="fixed_performance", note="refused"),
    )
    assert conditions.tuning([sampled_cell()]) is None
    assert (
        conditions.tuning([replace(sampled_cell(), tuning=settings)] * 2)
        == "governor.policy0 performance (was schedutil); fixed_performance: refused"
    )


def test_clocks_and_temperatures_are_drawn_over_time(tmp_path: Path) -> None:
    (section,) = arrange([sampled_cell()])
    plot = over_time.draw(section)
    assert not isinstance(plot, Omitted)
    assert plot.title == "While measuring: fastest clock 600–1,800 MHz, hottest zone 45–62 °C"  # noqa: RUF001
    (clocks,), (heat,) = (axes.get_lines() for axes in plot.figure.axes)
    # One line with a gap behind each of two processes.
    gap = float("nan")
    np.testing.assert_equal(np.isnan(np.asarray(clocks.get_ydata())), [False, False, False, True] * 2)
    np.testing.assert_equal(np.asarray(heat.get_ydata()), [45.0, 62.0, gap] * 2)
    assert np.asarray(heat.get_xdata())[3] == 1.0
    (section,) = arrange([sampled_cell(), sampled_cell()])
    draw_pictures(section, tmp_path)
    assert list(tmp_path.glob("*-over-time.png"))


def test_without_samples_the_plot_is_omitted_with_the_reason() -> None:
    (section,) = arrange([make_cell()])
    plot = over_time.draw(section)
    assert isinstance(plot, Omitted)
    assert "no sampler" in plot.why
