"""An export may be printed: no text of a cell steers the terminal."""

import pytest
from exported_cells import CELLS, exported

from harness.system.text import is_control
from reports.exports import FORMATS


@pytest.mark.parametrize("format", sorted(FORMATS.keys() - {"parquet"}))
def test_no_format_has_a_control_character(format: str) -> None:
    text = exported(format, *CELLS).decode()
    assert not [one for one in text if is_control(one) and one not in "\r\n"]
