"""The runner as its tests start it, and the small programs that it runs."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec

from harness.records import RunnerReport
from harness.runner.bundle import Bundle

RunnerEnded = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Programs:
    """What make_programs.py wrote."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.pte"

    @property
    def input(self) -> Path:
        return self.folder / "input.bin"

    @cached_property
    def expected(self) -> dict[str, list[list[float]]]:
        parsed: dict[str, list[list[float]]] = json.loads((self.folder / "expected.json").read_text())
        return parsed


@dataclass(frozen=True)
class Runner:
    """Starts the runner as a device does."""

    bundle: Bundle
    launcher: tuple[str, ...]
    programs: Programs
    folder: Path

    @property
    def report(self) -> Path:
        return self.folder / "report.json"

    @property
    def argv(self) -> tuple[str, ...]:
        folder = str(self.bundle.folder)
        loader = f"{folder}/{self.bundle.loader}"
        runner = f"{folder}/runner"
        return (*self.launcher, loader, "--library-path", folder, runner, *self.bundle.runner_options)

    def run(self, *options: str | Path) -> RunnerEnded:
        """Run with exactly these options."""
        argv = [*self.argv, *map(str, options)]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, cwd=self.folder)

    def measure(self, program: str = "delegated", *options: str | Path) -> RunnerReport:
        """Measure a program, briefly, and decode the report strictly."""
        ended = self.run(
            *("--model", self.programs.path(program), "--input", self.programs.input),
            *("--report", self.report, *options),
        )
        assert (ended.returncode, ended.stderr, ended.stdout) == (0, "", "")
        return msgspec.json.decode(self.report.read_bytes(), type=RunnerReport)


# Further options for QEMU, and a bundle that is not the usual one.
MakeRunner = Callable[..., Runner]
