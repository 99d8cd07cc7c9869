"""Two machines of one name are two."""

from typing import Any

import pytest
from msgspec.structs import replace

from builders import make_cell, make_device
from harness.analysis.comparison import compare
from harness.analysis.machines import cells_of_runs, name_machines_apart
from harness.analysis.selection import pick
from reports.sections import arrange


@pytest.mark.parametrize(
    "fact",
    [
        {"model": "Raspberry Pi 5"},
        {"soc": "BCM2712"},
        {"kernel": "6.6"},
        {"cores": ()},
        {"boot_id": "another"},
        {"clock": "emulated"},
    ],
)
def test_machines_of_one_name_that_differ_in_a_fact_are_never_merged(fact: dict[str, Any]) -> None:
    one = make_cell(device=make_device(name="host", boot_id="one"))
    other = make_cell(device=make_device(**{"name": "host", "boot_id": "one"} | fact))
    assert len(arrange((one, other))) == 2
    first, second = (cell.device.name for cell in name_machines_apart((one, other)))
    assert first != second
    answers = pick((one, other), device="host").answers
    assert [answer.device.name for answer in answers] == [first, second]
    (answer,) = pick((one, other), device=second).answers
    assert answer.best is not None
    assert answer.best.cell.device.name == second


def test_a_machine_alone_keeps_its_name_and_an_emulator_is_one_over_its_starts() -> None:
    cells = tuple(make_cell(device=make_device(clock="emulated", boot_id=boot)) for boot in ("a", "b"))
    assert name_machines_apart(cells) == cells


def test_a_device_that_restarted_during_a_run_is_one_machine_and_another_run_may_be_another() -> None:
    one, restarted = (make_cell(device=make_device(name="pi", boot_id=boot)) for boot in ("a", "b"))
    assert len(arrange(cells_of_runs([(one, restarted)]))) == 1
    assert len(arrange(cells_of_runs([(one,), (restarted,)]))) == 2
    other_model = make_cell(device=make_device(name="pi", boot_id="b", model="Raspberry Pi 5"))
    assert len(arrange(cells_of_runs([(one, other_model)]))) == 2


def test_a_cell_that_vanished_from_new_is_never_no_worse() -> None:
    cell = make_cell()
    variant = replace(cell.variant, width=0.25)
    gone = make_cell(artifact=replace(cell.artifact, variant=variant))
    comparison = compare((cell, gone), (cell,))
    assert comparison.cells[0].result == "no worse"
    assert comparison.result == "inconclusive"
    assert comparison.only_in_base == (gone.name,)
