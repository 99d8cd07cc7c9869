"""Scripts that are sent as arguments, and not pushed."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.devices.sent_scripts import script_text
from harness.system.paths import DEVICE_SCRIPTS

SCRIPTS = sorted(DEVICE_SCRIPTS.glob("*.sh"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_what_is_sent_is_the_same_program(script: Path) -> None:
    shfmt = Path(sys.executable).with_name("shfmt")

    def minified(text: str) -> str:
        done = subprocess.run([shfmt, "-mn"], input=text, capture_output=True, text=True, check=True)
        return done.stdout

    sent = script_text(script)
    assert minified(sent) == minified(script.read_text()).removeprefix("#!/bin/sh\n")
    assert len(sent) < 0.85 * script.stat().st_size
