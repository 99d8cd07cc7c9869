"""The table of a grid: nothing predicted looks measured."""

from harness.analysis.prediction import predict_grids
from reports.predicted import tabulate
from synthetic import EMULATOR, PHONE, simulate_cells


def test_measured_and_predicted_rows_stand_in_the_order_of_the_grid_and_are_marked() -> None:
    cells = simulate_cells(PHONE, precisions=("int8",))
    (grid,) = predict_grids([*cells[:5], *cells[6:]])
    headings, rows = tabulate(grid)
    assert headings == ("variant", "latency ms", "peak RSS MB", "file MB", "top-1 %", "source")
    assert [row[0] for row in rows[4:7]] == ["0.5/128", "0.5/160", "0.5/192"]
    assert [row[-1] for row in rows[4:7]] == ["valid", "predicted", "valid"]
    assert all(text.startswith("≈ ") and "(" in text for text in rows[5][1:4])
    assert not any("≈" in text for row in (rows[4], rows[6]) for text in row)
    assert rows[5][4] == "published 57.7"


def test_a_variant_that_cannot_be_predicted_has_no_figures() -> None:
    cells = simulate_cells(PHONE, precisions=("int8",))
    (grid,) = predict_grids([*cells[:5], *cells[6:-1]])
    _, rows = tabulate(grid)
    assert rows[-1] == ("1.0/224", "–", "–", "–", "published 69.7", "not predicted")  # noqa: RUF001


def test_without_any_prediction_only_what_was_measured_is_shown() -> None:
    cells = simulate_cells(EMULATOR, precisions=("int8",))[:3]
    (grid,) = predict_grids(cells)
    headings, rows = tabulate(grid)
    assert headings[1] == "instructions M"
    assert [row[-1] for row in rows] == ["valid"] * 3
