"""Runs the command line in a Python that a script has prepared first."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def run_scripted(
    script: str, folder: Path, *argv: str, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The script with these arguments, in the folder."""
    return subprocess.run(
        [sys.executable, "-c", script, *argv],
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
    )
