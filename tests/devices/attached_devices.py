"""Devices that adb lists, without adb."""

import pytest

from harness.devices import inventory
from harness.transports.adb import AttachedDevice


def attach(monkeypatch: pytest.MonkeyPatch, *devices: AttachedDevice) -> None:
    """Let these alone be attached."""
    monkeypatch.setattr(inventory, "attached", lambda: devices)
