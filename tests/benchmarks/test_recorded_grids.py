"""The recorded grids are read as they were written, and predicted and searched as well as promised."""

from pathlib import Path

from bench_predict import judge
from recorded_grids import RECORDED, read_grids, write_grids


def test_the_emulated_grid_is_predicted_and_searched_as_promised() -> None:
    goals = judge(read_grids())
    assert all(goal.met for goal in goals if goal.what.startswith("emulator")), goals


def test_the_valid_cells_of_a_recorded_grid_are_written_as_they_were_read(tmp_path: Path) -> None:
    cells = [cell for grid in read_grids().values() for cell in grid]
    write_grids(cells, tmp_path / "again.csv", "conditions")
    lines = [line for line in RECORDED.read_text().splitlines() if not line.startswith("#")]
    valid = [line for line in lines[1:] if line.split(",")[4] == "valid"]
    assert (tmp_path / "again.csv").read_text().splitlines()[1:] == [lines[0], *valid]
