"""Recorded devices as fixtures."""

from pathlib import Path

import pytest
from recorded_devices import write_pixel


@pytest.fixture
def pixel(tmp_path: Path) -> Path:
    """The file tree of a Pixel 6."""
    return write_pixel(tmp_path)
