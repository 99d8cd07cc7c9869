"""A `harness` command that a test ran, for the types of tests that take the fixture `run_harness`."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


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
