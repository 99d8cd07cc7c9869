"""A `harness` command that a test runs: in its own process by the fixture `run_harness`, or in this one."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import main


@dataclass(frozen=True)
class Ended:
    """A `harness` command that ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.stdout)


# Its arguments, and the keywords `timeout_s` and `env`.
HarnessCommand = Callable[..., Ended]


def run_main(monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> int:
    """Run `harness` with these words in this process; its exit code."""
    monkeypatch.setattr("sys.argv", ["harness", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code
