"""What all tests share: a cache for what is costly to build, and the `harness` command itself."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# The same examples in every CI run: a build fails for what was changed. Elsewhere new ones are looked for.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


# Under nohup, and in the background of a script, these are ignored, and programs started here would inherit
# that: tests of what a signal does would fail.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Ended:
    """A `harness` command that ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        parsed: dict[str, Any] = json.loads(self.stdout)
        return parsed


HarnessCommand = Callable[..., Ended]


@pytest.fixture
def run_harness(tmp_path: Path) -> HarnessCommand:
    """Run `harness` as a user does, in a folder of its own."""

    def run(*arguments: str | Path, timeout_s: float = 300, env: dict[str, str] | None = None) -> Ended:
        ended = subprocess.run(
            [sys.executable, "-m", "harness", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **(env or {})},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run


@pytest.fixture
def no_compilers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any program to be found."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
