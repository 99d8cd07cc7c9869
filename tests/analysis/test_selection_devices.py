"""Answers for each device, and what an emulated clock can answer."""

import pytest
from msgspec.structs import replace
from picked_cells import MS, PI, accuracy, cell_of, explain, name, pick

from harness.analysis.budget import Budget
from harness.analysis.selection import pick as pick_for_devices
from harness.analysis.selection_text import explain as explain_selection
from harness.errors import UsageError
from harness.records import Cell, DeviceInfo
from synthetic import EMULATOR, PHONE


def test_an_emulated_time_cannot_meet_a_budget_in_milliseconds() -> None:
    for limit in ({"max_latency_ns": 20 * MS}, {"max_startup_ns": 20 * MS}):
        with pytest.raises(UsageError, match="the clock of emulator:cortex-a76 is emulated") as caught:
            pick([cell_of(0.5, 160, device=EMULATOR)], **limit)
        assert "--max-instructions 60M" in caught.value.hint


def test_an_emulated_device_is_budgeted_in_instructions() -> None:
    cells = [cell_of(0.25, 128, device=EMULATOR), cell_of(1.0, 224, device=EMULATOR)]
    answer = pick(cells, max_instructions=60_000_000)
    assert answer.best is not None
    assert answer.best.cell == cells[0]
    assert "instructions up to" in answer.rejected[0].reasons[0]
    assert " ms" not in explain(cells, max_instructions=60_000_000)


def test_a_cell_without_the_figure_asked_for_is_outside_the_budget() -> None:
    bare, counted = cell_of(0.5, 160), cell_of(0.25, 128)
    counted = replace(counted, instructions_per_inference=50_000_000)
    assert pick([bare, counted], max_instructions=60_000_000).rejected[0].reasons == (
        "instructions not measured",
    )


def test_each_device_has_an_answer_and_the_best_file_for_all_is_named() -> None:
    cells = [
        cell_of(0.5, 160, ms=5),
        cell_of(1.0, 224, ms=15),
        cell_of(0.5, 160, ms=18, device=PI),
        cell_of(1.0, 224, ms=60, device=PI),
    ]
    selection = pick_for_devices(cells, Budget(max_latency_ns=20 * MS))
    assert [name(answer.best) for answer in selection.answers] == ["1_224_int8", "0.5_160_int8"]
    assert selection.for_all is not None
    assert [one.cell for one in selection.for_all.candidates] == [cells[0], cells[2]]
    text = explain_selection(selection)
    assert text.startswith("pixel: ship mobilenet_v1_1_224_int8, 1 thread\n")
    assert "\npi4: ship mobilenet_v1_0.5_160_int8, 1 thread\n" in text
    assert "for all 2 devices: ship mobilenet_v1_0.5_160_int8" in text


def test_no_file_for_all_devices_is_an_answer_too() -> None:
    cells = [cell_of(0.5, 160), cell_of(0.25, 128, device=PI)]
    text = explain_selection(pick_for_devices(cells, Budget(max_latency_ns=20 * MS)))
    assert "for all 2 devices: no file is within the budget on each of them" in text
    # Nobody gave a budget.
    text = explain_selection(pick_for_devices(cells))
    assert "for all 2 devices: no file is a candidate on each of them" in text


def test_an_emulated_device_beside_a_real_one_is_left_out_of_a_budget_in_milliseconds() -> None:
    cells = [cell_of(0.5, 160), cell_of(0.5, 160, device=EMULATOR)]
    selection = pick_for_devices(cells, Budget(max_latency_ns=20 * MS))
    assert [answer.device.name for answer in selection.answers] == ["pixel"]
    assert "emulator:cortex-a76: left out, its clock cannot keep a budget in milliseconds" in (
        explain_selection(selection)
    )


def test_a_device_is_named_in_full_or_in_part() -> None:
    cells = [cell_of(0.5, 160), cell_of(0.5, 160, device=EMULATOR)]
    assert [one.device.name for one in pick_for_devices(cells, device="PIX").answers] == ["pixel"]
    with pytest.raises(UsageError, match="no cell was measured on nokia") as caught:
        pick_for_devices(cells, device="nokia")
    assert caught.value.hint == "measured were: pixel, emulator:cortex-a76"


def test_two_machines_of_one_name_are_answered_apart() -> None:
    twin = replace(PHONE, kernel="6.1", boot_id="twin")
    selection = pick_for_devices([cell_of(0.5, 160), cell_of(1.0, 224, device=twin)])
    assert len(selection.answers) == 2
    assert len({answer.device.name for answer in selection.answers}) == 2


def test_for_all_devices_accuracies_of_other_images_are_never_compared() -> None:
    def cells(device: DeviceInfo, dataset: str, large: float, small: float) -> list[Cell]:
        return [
            replace(cell_of(width, 128, device=device, measured=top1), accuracy=accuracy(top1, dataset))
            for width, top1 in ((0.5, large), (0.25, small))
        ]

    apart = [*cells(PHONE, "Imagenette", 0.9, 0.8), *cells(PI, "ImageNet", 0.5, 0.55)]
    found = pick_for_devices(apart).for_all
    assert found is not None
    assert (found.basis, name(found.candidates[0])) == ("none", "0.5_128_int8")
    text = explain_selection(pick_for_devices(apart))
    assert "by size; no accuracy of the same data is known on all devices" in text
    alike = [*cells(PHONE, "ImageNet", 0.9, 0.8), *cells(PI, "ImageNet", 0.5, 0.55)]
    found = pick_for_devices(alike).for_all
    assert found is not None
    assert (found.basis, name(found.candidates[0])) == ("measured", "0.25_128_int8")
