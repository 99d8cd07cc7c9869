"""Sustained runs that no device can have measured are refused, on arrival and on reading."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from builders import make_sustained_cell, make_sustained_run
from harness.records import Cell, Fell, Sustained
from harness.records.cell_checks import find_contradictions
from harness.records.sustained_checks import find_impossible_run

RUN = make_sustained_run((60, 10.0), (60, 12.5), khz=(1_800_000, 1_440_000))
CELL = make_sustained_cell(RUN)


def at(second: int, **figures: Any) -> dict[str, Any]:
    return {
        name: (*getattr(RUN, name)[:second], value, *getattr(RUN, name)[second + 1 :])
        for name, value in figures.items()
    }


def test_what_was_measured_passes_and_survives_saving() -> None:
    assert list(find_impossible_run(RUN, 120)) == []
    assert list(find_contradictions(CELL)) == []
    assert msgspec.json.decode(msgspec.json.encode(CELL), type=Cell) == CELL


def test_a_cell_of_an_older_version_has_no_sustained_run() -> None:
    saved = msgspec.json.decode(msgspec.json.encode(CELL))
    del saved["sustained"]
    assert msgspec.convert(saved, Cell).sustained is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inferences": RUN.inferences[:-1]}, "sustained.inferences has 119 seconds, of 120"),
        ({"max_ns": RUN.max_ns[:-1]}, "sustained.max_ns has 119 seconds, of 120"),
        (at(3, inferences=0), "in second 3, no inference has a median"),
        (at(3, median_ns=None), "in second 3, 99 inferences have a figure missing"),
        (at(3, p90_ns=5), "in second 3, median"),
        (at(3, max_ns=5), "in second 3, median"),
        (at(3, inferences=100_000), "in second 3, 100000 inferences of"),
        (
            {
                "inferences": (0,) * 120,
                "median_ns": (None,) * 120,
                "p90_ns": (None,) * 120,
                "max_ns": (None,) * 120,
            },
            "inferences are none",
        ),
        ({"started_at": "yesterday"}, "started_at is 'yesterday'"),
        ({"cpus_allowed": "a-b"}, "cpus_allowed is 'a-b'"),
        ({"began_uptime_seconds": 900.0}, "began at uptime 900.0 s, before"),
        (at(3, max_ns=2**52), "in second 3, an inference of 4503599627370496 ns ends after the run"),
        ({"began_uptime_seconds": 1100.0}, "sustained has 120 seconds from uptime 1100.0 s"),
    ],
)
def test_an_impossible_run_is_named(changes: dict[str, Any], message: str) -> None:
    found = list(find_impossible_run(replace(RUN, **changes), 120))
    assert found
    assert message in found[0]


def contradictions(**changes: Any) -> str:
    sustained = CELL.sustained
    assert sustained is not None
    assert sustained.figures is not None
    if figures := changes.pop("figures", None):
        changes["figures"] = replace(sustained.figures, **figures)
    return "; ".join(find_contradictions(replace(CELL, sustained=replace(sustained, **changes))))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unavailable": "made up"}, "sustained has figures, and is unavailable: made up"),
        ({"run": None}, "sustained has figures, and is unavailable: None"),
        ({"seconds": 60}, "sustained.inferences has 120 seconds, of 60"),
        ({"figures": {"initial_ns": 1}}, "sustained.initial_ns does not follow"),
        ({"figures": {"retained": 0.5}}, "sustained.retained does not follow"),
    ],
)
def test_figures_that_do_not_follow_from_the_run_are_named(changes: dict[str, Any], message: str) -> None:
    assert message in contradictions(**changes)


@pytest.mark.parametrize(("end", "value"), [("low", 1.0), ("high", 1e300)])
def test_a_plateau_ends_among_the_seconds_that_it_is_of(end: str, value: float) -> None:
    assert CELL.sustained is not None
    assert CELL.sustained.figures is not None
    plateau = replace(CELL.sustained.figures.plateau_ns, **{end: value})
    assert "sustained.plateau_ns is in" in contradictions(figures={"plateau_ns": plateau})


def test_an_impossible_drop_is_named() -> None:
    sustained = CELL.sustained
    assert sustained is not None
    assert sustained.figures is not None
    drop = sustained.figures.drop
    assert drop is not None
    assert "drop is at second 500, of 120" in contradictions(figures={"drop": replace(drop, second=500)})
    for level in ({"before_ns": 1_000_000}, {"after_ns": 2**52}):
        assert "beyond the seconds of the run" in contradictions(figures={"drop": replace(drop, **level)})
    assert "which is not slower" in contradictions(figures={"drop": replace(drop, after_ns=1)})
    neither = replace(drop, fell=None, unknown=None)
    assert "neither what fell nor why" in contradictions(figures={"drop": neither})
    both = replace(drop, fell=Fell(what="clock", name="cores 0", before=2, after=1), unknown="made up")
    assert "or both" in contradictions(figures={"drop": both})


@pytest.mark.parametrize("seconds", [0, -1, 14_401])
def test_a_duration_that_nobody_can_ask_for_is_refused(seconds: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"seconds": seconds, "run": None, "figures": None}, Sustained)
