from msgspec.structs import replace

from builders import failed, with_verdict
from harness.records import Cell
from reports.sections import Section, arrange
from reports.verdicts import answer, count, group_by_reasons
from synthetic import VM, simulate_cells


def section(cells: tuple[Cell, ...]) -> Section:
    (only,) = arrange(cells)
    return only


def test_the_answer_names_the_cheapest_and_the_most_accurate_with_their_figures() -> None:
    (sentence,) = answer(
        section(simulate_cells(VM, widths=(0.25, 1.0), resolutions_px=(224,), precisions=("int8",)))
    )
    assert sentence.startswith("By published accuracy, 2 of 2 cells are on the frontier")
    assert "0.25/224 int8 (" in sentence
    assert "published 69.7\u00a0%" in sentence


def test_a_cell_that_beats_all_others_is_the_answer() -> None:
    small, large = simulate_cells(VM, widths=(0.25, 1.0), resolutions_px=(224,), precisions=("int8",))
    (sentence,) = answer(section((replace(small, instructions_per_inference=10**9, processes=()), large)))
    assert "one cell of 2 beats every other: 1.0/224 int8" in sentence


def test_without_any_accuracy_the_cheapest_is_named_and_no_frontier_claimed() -> None:
    (sentence,) = answer(
        section(simulate_cells(widths=(0.3, 0.35), resolutions_px=(96,), precisions=("fp32",)))
    )
    assert sentence.startswith("Cheapest: 0.3/96 fp32")
    assert "no frontier" in sentence


def test_without_figures_there_is_nothing_to_compare() -> None:
    cells = tuple(failed(cell) for cell in simulate_cells(widths=(0.25,), resolutions_px=(128,)))
    assert answer(section(cells)) == ("There is nothing to compare: every cell failed or is invalid.",)
    assert count(cells) == "2 invalid"


def test_cells_with_the_same_reasons_are_grouped_worst_status_first() -> None:
    first, second, third, fourth = simulate_cells(widths=(0.25, 0.5), resolutions_px=(128,))
    groups = group_by_reasons(
        (
            with_verdict(first, "suspect", "busy", "load 3"),
            with_verdict(second, "suspect", "busy", "load 3"),
            failed(third),
            fourth,
        )
    )
    assert [(len(group.names), group.status) for group in groups] == [(1, "failed"), (2, "suspect")]
    assert groups[0].last_output == ("<b>out of memory</b>", "killed")
