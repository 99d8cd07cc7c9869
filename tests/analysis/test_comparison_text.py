"""A comparison on the terminal and in Markdown."""

import msgspec
import pytest
from compared_cells import counted, heavier, of_variant, slower

from builders import (
    make_cell,
)
from harness.analysis.comparison import Comparison, compare
from harness.analysis.comparison_text import summarize, to_lines, to_markdown
from harness.records import Failure


def test_cells_of_one_side_only_are_reported() -> None:
    comparison = compare([of_variant(0.25), of_variant(0.5)], [of_variant(0.5), of_variant(1.0)])
    assert comparison.only_in_base == ("pi4-mobilenet_v1_0.25_128_fp32-t1",)
    assert comparison.only_in_new == ("pi4-mobilenet_v1_1_128_fp32-t1",)
    assert "Only in base: pi4-mobilenet_v1_0.25_128_fp32-t1." in summarize(comparison)
    assert "\nOnly in new: pi4-mobilenet\\_v1\\_1\\_128\\_fp32-t1." in to_markdown(comparison)


COUNTED_MARGINS_TEXT = "margins: latency 3 %, peak RSS 5 %, file size 1 %, accuracy 1 pp"
MARGINS_TEXT = "margins: latency 3 %, start-up 10 %, peak RSS 5 %, file size 1 %, accuracy 1 pp"


def test_markdown_shows_the_result_and_the_figures_that_changed() -> None:
    text = to_markdown(compare([make_cell()], [make_cell(slower(1.05))]))
    lines = text.splitlines()
    assert lines[0] == f"**Worse ({MARGINS_TEXT}): 1 worse.**"
    assert lines[2] == "| result | cell | latency |"
    assert lines[4] == (
        r"| worse | pi4-mobilenet\_v1\_0.5\_128\_fp32-t1 | 10.002 → 10.503 ms, +5 % (+4.79 % to +5.21 %) |"
    )
    startup = "start-up (at most +2.27 % (+2.18 % to +2.37 %))"
    assert lines[6] == f"No worse in every cell: {startup}, peak RSS (unchanged), file size (unchanged)."


def test_a_cell_cannot_break_the_table() -> None:
    broken = make_cell(processes=(), failure=Failure(what="killed | by\nthe system"))
    row = to_markdown(compare([make_cell()], [broken])).splitlines()[4]
    assert r"killed \| by the system" in row


@pytest.mark.parametrize(
    ("base_ns", "shown"),
    [
        (400, "latency 0.000400 → 0.000800 ms"),
        (4_000, "latency 0.00400 → 0.00800 ms"),
        (12_345_678, "latency 12.346 → 24.691 ms"),
    ],
)
def test_the_figures_of_a_small_program_keep_three_digits(base_ns: int, shown: str) -> None:
    base, new = (make_cell((factor * base_ns,) * 6) for factor in (1, 2))
    assert shown in to_lines(compare([base], [new]), 300)[0]


@pytest.mark.parametrize("width", [20, 80, 99])
def test_a_narrow_terminal_has_the_result_and_the_name_on_one_line_and_the_change_on_the_next(
    width: int,
) -> None:
    comparison = compare([counted(57_691_178, 57_691_178)], [counted(57_691_179, 57_691_179)])
    assert to_lines(comparison, width)[:2] == [
        "worse         pi4-mobilenet_v1_0.5_128_fp32-t1",
        "              instructions 57,691,178 → 57,691,179, +1.73e-06 %",
    ]
    assert summarize(comparison)[0] == f"Worse ({COUNTED_MARGINS_TEXT}): 1 worse."


def test_a_wide_terminal_has_a_line_a_cell() -> None:
    comparison = compare([make_cell()], [heavier(3.0)])
    assert to_lines(comparison, 200)[0] == (
        "worse         pi4-mobilenet_v1_0.5_128_fp32-t1  peak RSS 18.0 → 54.0 MB, +200 %"
    )


def test_a_figure_that_is_no_worse_anywhere_is_folded_with_its_largest_change() -> None:
    text = "\n".join(to_lines(compare([make_cell()], [heavier(1.02)]), 200))
    assert (
        "No worse in every cell: start-up (unchanged), peak RSS (at most +2 %), file size (unchanged)."
        in text
    )


def test_a_comparison_is_one_json_document() -> None:
    comparison = compare([make_cell()], [make_cell()])
    assert msgspec.json.decode(msgspec.json.encode(comparison), type=Comparison) == comparison
