from pathlib import Path

import pytest
from msgspec.structs import replace

from builders import make_run
from harness.errors import UsageError
from harness.measuring.run_record import start_record
from harness.records import Variant
from harness.records.run_folder import read_cells, write_cell
from reports.figures import width_text
from synthetic import EMULATOR, simulate_cells


def test_widths_that_are_equal_in_six_digits_name_different_cells_and_files(tmp_path: Path) -> None:
    for width in (0.25, 0.2500001):
        (cell,) = simulate_cells(EMULATOR, widths=(width,), resolutions_px=(128,), precisions=("fp32",))
        write_cell(tmp_path, cell)
    assert len(read_cells(tmp_path)) == 2
    assert width_text(0.25) != width_text(0.2500001)


def test_the_widths_of_the_field_keep_their_short_names() -> None:
    names = [Variant(width=width, resolution_px=128, precision="fp32").name for width in (0.25, 1.0)]
    assert names == ["mobilenet_v1_0.25_128_fp32", "mobilenet_v1_1_128_fp32"]


def test_a_run_folder_of_another_request_is_not_written_to(tmp_path: Path) -> None:
    request = make_run(()).request
    start_record(request, tmp_path)
    before = (tmp_path / "run.json").read_bytes()
    assert start_record(request, tmp_path).request == request
    with pytest.raises(UsageError, match="holds a run of another request"):
        start_record(replace(request, widths=(0.75,)), tmp_path)
    assert (tmp_path / "run.json").read_bytes() == before
