"""Answers for each device, and what an emulated clock can answer."""

import re

import pytest
from msgspec.structs import replace
from picked_cells import MS, PI, accuracy, cell_of, explain, name, pick, suspect

from builders import with_verdict
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
    assert re.match("instructions up to .* are over", answer.rejected[0].reasons[0])
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
    def cells(
        device: DeviceInfo, dataset: str, large: float, small: float, classes: int = 1000
    ) -> list[Cell]:
        return [
            replace(
                cell_of(width, 128, device=device, measured=top1, classes=classes),
                accuracy=accuracy(top1, dataset),
            )
            for width, top1 in ((0.5, large), (0.25, small))
        ]

    apart = [*cells(PHONE, "Imagenette", 0.9, 0.8, 10), *cells(PI, "ImageNet", 0.5, 0.55, 10)]
    found = pick_for_devices(apart).for_all
    assert found is not None
    assert (found.basis, name(found.candidates[0])) == ("none", "0.5_128_int8")
    text = explain_selection(pick_for_devices(apart))
    assert "by size; no accuracy of the same data is known on all devices" in text
    alike = [*cells(PHONE, "ImageNet", 0.9, 0.8), *cells(PI, "ImageNet", 0.5, 0.55)]
    found = pick_for_devices(alike).for_all
    assert found is not None
    assert (found.basis, name(found.candidates[0])) == ("measured", "0.25_128_int8")


def test_for_all_devices_files_are_ranked_by_the_accuracy_that_all_devices_share() -> None:
    """0.5/192 is the larger network; 0.75/128 is more accurate by all that is known."""
    phone = [
        cell_of(width, side_px, measured=top1, precision="fp32")
        for width, side_px, top1 in ((0.5, 192, 0.61), (0.75, 128, 0.63))
    ]
    pi = [replace(cell, device=PI, accuracy=None) for cell in phone]
    found = pick_for_devices([*phone, *pi]).for_all
    assert found is not None
    assert (found.basis, name(found.candidates[0])) == ("published", "0.75_128_fp32")
    text = explain_selection(pick_for_devices([*phone, *pi])).split("for all 2 devices: ")[1]
    assert text.startswith(
        "ship mobilenet_v1_0.75_128_fp32, by published accuracy; no measured one of the same data is known on"
        " all devices\n"
    )
    assert text.count("published top-1") == text.count("measured top-1") == 1


def test_a_file_that_one_device_sets_aside_can_be_the_best_for_all() -> None:
    """Each device evaluated another file; both files are within the budget on both devices."""
    small, large = (cell_of(width, 128, measured=top1) for width, top1 in ((0.25, 0.41), (0.5, 0.56)))
    cells = [small, replace(large, accuracy=None)]
    cells += [replace(small, device=PI, accuracy=None), replace(large, device=PI)]
    found = pick_for_devices(cells, Budget(max_latency_ns=20 * MS)).for_all
    assert found is not None
    assert (found.basis, name(found.candidates[0])) == ("published", "0.5_128_int8")


def test_what_every_emulated_time_has_does_not_hide_a_suspect_cell_of_a_real_device() -> None:
    """Files of one accuracy: the cheaper one was throttled on the phone, and the emulator counted both."""
    phone = [suspect(cell_of(0.5, 128, ms=4, measured=0.6))]
    phone.append(cell_of(0.5, 128, ms=5, measured=0.6, precision="fp32"))
    found = pick_for_devices([*phone, *(as_counted(cell) for cell in phone)]).for_all
    assert found is not None
    assert name(found.candidates[0]) == "0.5_128_fp32"


def test_only_what_affects_its_count_is_a_reason_against_an_emulated_cell_among_equals() -> None:
    cheaper, other = (
        as_counted(cell_of(0.5, 128, measured=0.6, precision=precision)) for precision in ("int8", "fp32")
    )
    assert name(pick([cheaper, other]).best) == "0.5_128_int8"
    varied = with_verdict(cheaper, "suspect", "counts_vary", "from 7,000,000 to 7,100,000 instructions")
    assert name(pick([varied, other]).best) == "0.5_128_fp32"


def as_counted(cell: Cell) -> Cell:
    """The same file on the emulator, whose times are never valid."""
    emulated = with_verdict(cell, "suspect", "emulated", "its clock is the host's")
    count = 20_000_000 if cell.variant.precision == "fp32" else 7_000_000
    return replace(emulated, device=EMULATOR, instructions_per_inference=count)


def test_real_devices_are_answered_before_emulated_ones() -> None:
    cells = [cell_of(0.5, 128, device=EMULATOR), cell_of(0.5, 128)]
    assert [answer.device.clock for answer in pick_for_devices(cells).answers] == ["real", "emulated"]
