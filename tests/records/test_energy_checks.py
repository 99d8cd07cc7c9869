"""Energy that no device can have taken is refused, on arrival and on reading."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from builders import make_energy_cell, make_energy_run, make_energy_window
from harness.records import Cell, Energy, Interval
from harness.records.cell_checks import find_contradictions
from harness.records.energy_checks import find_impossible_windows

RUN = make_energy_run()
CELL = make_energy_cell(RUN)
LOAD = RUN.load


def test_what_was_measured_passes_and_survives_saving() -> None:
    assert list(find_impossible_windows(RUN)) == []
    assert list(find_contradictions(CELL)) == []
    assert msgspec.json.decode(msgspec.json.encode(CELL), type=Cell) == CELL
    assert list(find_contradictions(make_energy_cell("no sensor"))) == []


def test_a_cell_of_an_older_version_has_no_energy() -> None:
    saved = msgspec.json.decode(msgspec.json.encode(CELL))
    del saved["energy"]
    assert msgspec.convert(saved, Cell).energy is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"load": replace(LOAD, watts=LOAD.watts[1:])}, "energy.load has 59 spans, of 58 powers"),
        (
            {"load": replace(LOAD, watts=LOAD.watts[:9], span_seconds=(6.0,) * 9)},
            "energy.load has 9 updates in 60 s, which are too few",
        ),
        ({"idle_after": make_energy_window(1112.0, 29.0, 1.0)}, "energy.idle_after has 28 updates in 29 s"),
        (
            {"load": replace(LOAD, span_seconds=(0.0, *LOAD.span_seconds[1:]))},
            "energy.load has a span of no time",
        ),
        ({"load": replace(LOAD, seconds=120.0)}, "energy.load: its spans are 59 of 120 s"),
        ({"load": replace(LOAD, seconds=0.0)}, "energy.load: its spans are 59 of 0 s"),
        (
            {"load": replace(LOAD, began_uptime_seconds=1010.0)},
            "energy.load began before the end of the window",
        ),
        ({"inferences": 0}, "energy.inferences are none"),
        ({"started_at": "yesterday"}, "energy.started_at is 'yesterday', which is not a time"),
        ({"cpus_allowed": "x"}, "energy.cpus_allowed is 'x', which is not a list of cores"),
    ],
)
def test_a_run_that_cannot_be_is_told(changes: dict[str, Any], message: str) -> None:
    assert any(found.startswith(message) for found in find_impossible_windows(replace(RUN, **changes)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("gross_joules", 0.5),
        ("mean_watts", 2.0),
        ("idle_before_watts", 0.5),
        ("idle_after_watts", 0.5),
        ("net_joules", Interval(estimate=0.01, low=0.009, high=0.011)),
    ],
)
def test_a_figure_that_does_not_follow_from_the_windows_is_told(field: str, value: object) -> None:
    assert CELL.energy is not None
    assert CELL.energy.figures is not None
    figures = replace(CELL.energy.figures, **{field: value})
    damaged = replace(CELL, energy=replace(CELL.energy, figures=figures))
    assert f"energy.{field} does not follow from its windows" in list(find_contradictions(damaged))


@pytest.mark.parametrize(("end", "value"), [("low", -1e9), ("high", 1e9)])
def test_an_interval_of_energy_that_the_windows_cannot_give_is_told(end: str, value: float) -> None:
    assert CELL.energy is not None
    assert CELL.energy.figures is not None
    net = replace(CELL.energy.figures.net_joules, **{end: value})
    figures = replace(CELL.energy.figures, net_joules=net)
    (found,) = find_contradictions(replace(CELL, energy=replace(CELL.energy, figures=figures)))
    assert found.startswith("energy.net_joules is in ")


def test_figures_without_a_run_and_a_reason_beside_figures_are_told() -> None:
    assert CELL.energy is not None
    for damaged in (
        replace(CELL.energy, run=None),
        replace(CELL.energy, unavailable="made up"),
        Energy(run=None, figures=None),
        Energy(run=RUN, figures=None, unavailable="made up"),
    ):
        found = list(find_contradictions(replace(CELL, energy=damaged)))
        assert any("figures, and is unavailable" in one for one in found)
