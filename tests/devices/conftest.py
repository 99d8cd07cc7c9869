"""Recorded devices, and a place without any, as fixtures."""

from pathlib import Path

import pytest
from attached_devices import attach
from recorded_devices import write_pixel


@pytest.fixture
def pixel(tmp_path: Path) -> Path:
    """The file tree of a Pixel 6."""
    return write_pixel(tmp_path)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, no user configuration and nothing attached."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    attach(monkeypatch)
    return tmp_path
