"""A small sweep on `arm-vm` over a harmed connection, and how it ended compared with an unharmed one.

The machine runs in virtual time, in which every figure repeats, so a wrong number is seen as one.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.devices.arm_vm.machine import ArmVm, boot
from harness.devices.target import Target
from harness.errors import HarnessError
from harness.lowering.background import Artifacts, lower_in_background
from harness.lowering.lower import variants_of
from harness.measuring.parallel import measure_on
from harness.records import Cell, RunRequest
from harness.records.run_folder import read_cells
from harness.system.processes import Completed
from harness.transports.ssh import SshTransport
from machine_user import user_environment

REQUEST = RunRequest(
    devices=("faulty",),
    widths=(0.25,),
    resolutions_px=(32,),
    precisions=("fp32", "int8"),
    threads=(1,),
    processes=1,
    warmup_iterations=2,
    min_iterations=5,
    min_seconds=0.0,
    max_seconds=5.0,
)
FOLDERS = {"adb-direct": "/data/local/tmp/harness", "ssh": "/home/harness/.cache/mobilenet-harness"}
# Repeats of virtual time differ by what the kernel does in between.
RELATIVE_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Ended:
    """How one sweep ended; an error that is not one of ours is not caught."""

    asked: int
    cells: tuple[Cell, ...]
    errors: tuple[HarnessError, ...]
    seconds: float
    answer: tuple[str, ...]
    orphans: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every cell was measured."""
        measured = [cell for cell in self.cells if not cell.failure]
        return not self.errors and len(measured) == self.asked

    @property
    def explained(self) -> bool:
        """Whether each missing figure has an error of its device or a failure in its cell."""
        answer = [error.what for error in self.errors] + [c.failure.what for c in self.cells if c.failure]
        return self.complete or any(answer)


@dataclass
class Laboratory:
    """The machine, what is measured there, and a way in that no fault reaches."""

    machine: ArmVm
    artifacts: Artifacts
    control: SshTransport
    references: dict[str, dict[str, Cell]] = field(default_factory=dict)

    def sweep(self, route: str, port: int | None = None, request: RunRequest = REQUEST) -> Ended:
        """Measure everything asked for by a route, at the machine's own port or a proxy's."""
        answer: list[str] = []
        artifacts = {variant: self.artifacts[variant] for variant in variants_of(request)}
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            errors = measure_on(
                [self._target(route, port)],
                request,
                artifacts,
                Path(folder),
                lambda event: answer.append(event.text),
            )
            cells = read_cells(Path(folder))
        seconds = time.monotonic() - started
        return Ended(len(artifacts), cells, tuple(errors), seconds, tuple(answer), self.orphans())

    def wrong(self, cells: tuple[Cell, ...], route: str) -> list[str]:
        """Figures of measured cells that differ from those of an unharmed sweep by the same route."""
        found = []
        for cell in cells:
            expected = self._reference(route)[cell.variant.name]
            if cell.failure is None and not _agree(cell, expected):
                found.append(f"{cell.name}: {figures(cell)} instead of {figures(expected)}")
        return found

    def _reference(self, route: str) -> dict[str, Cell]:
        if route not in self.references:
            ended = self.sweep(route)
            if not ended.complete:
                raise RuntimeError(f"the unharmed sweep failed: {ended}")
            self.references[route] = {cell.variant.name: cell for cell in ended.cells}
        return self.references[route]

    def empty(self, route: str) -> None:
        """Remove everything a route has pushed."""
        self.root("rm", "-rf", FOLDERS[route])

    def wait_for_runner(self) -> None:
        """Return when a runner is at work; the shells around it have its words, too, but not first.

        Asked on the machine: to ask from here, again and again, slows what is waited for.
        """
        runner = "^[^ ]*/ld-[^ ]* --library-path [^ ]* [^ ]*/runner "
        asks = 'until pgrep -f "$1" >/dev/null; do sleep 0.05; done'
        self.root("sh", "-c", asks, "asks", runner, timeout_s=240).check()

    def crash_runner(self, signal: str) -> None:
        """Send the runner a signal, and nobody else."""
        runner = f"$(cat {FOLDERS['adb-direct']}/jobs/current/pid)"
        self.root("sh", "-c", f"kill -{signal} {runner}").check()

    def orphans(self) -> tuple[str, ...]:
        """Command lines of runners that still run on the machine, and of the shells around them."""
        time.sleep(0.5)
        return tuple(self.root("pgrep", "-af", "[/]runner --model").text.splitlines())

    def root(self, *argv: str, timeout_s: float = 60) -> Completed:
        """Run a command on the machine as root."""
        return self.control.run(["sudo", *argv], timeout_s=timeout_s)

    def _target(self, route: str, port: int | None) -> Target:
        if route == "ssh":
            address = f"{self.machine.ssh_user}@127.0.0.1"
            return Target("faulty", "linux_board", "ssh", address, port=port or self.machine.ssh_port)
        return Target("faulty", "android", route, f"127.0.0.1:{port or self.machine.adb_port}")


def figures(cell: Cell) -> tuple[float, ...]:
    """The figures of a cell that repeat in virtual time."""
    latency = cell.latency.median_ns.estimate if cell.latency else 0.0
    peak = (cell.memory.peak_rss_bytes or 0) if cell.memory else 0
    error = cell.parity.max_abs_error if cell.parity else 0.0
    return (cell.instructions_per_inference or 0, latency, peak, error)


def _agree(cell: Cell, expected: Cell) -> bool:
    instructions, _, peak, error = zip(figures(cell), figures(expected), strict=True)
    enough = all(len(process.latencies_ns) >= cell.plan.min_iterations for process in cell.processes)
    if cell.plan.min_seconds == 0:
        enough = _iterations(cell) == _iterations(expected)
    close = all(abs(a - b) <= RELATIVE_TOLERANCE * b for a, b in (instructions, peak))
    return enough and close and error[0] == error[1] and cell.artifact == expected.artifact


def _iterations(cell: Cell) -> list[int]:
    """Of each process; always the same without a least time."""
    return [len(process.warmup_ns) + len(process.latencies_ns) for process in cell.processes]


@contextmanager
def open_laboratory(*, may_restart: bool = False) -> Iterator[Laboratory]:
    """Boot the machine, lower the variants, and let keys be found as a user's are."""
    with ExitStack() as stack:
        machine = stack.enter_context(boot(may_restart=may_restart))
        programs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(_environment(user_environment(machine, programs)))
        artifacts = stack.enter_context(
            lower_in_background(
                variants_of(REQUEST), allow_undelegated=False, on_lowered=lambda stored, done: None
            )
        )
        control = SshTransport(f"{machine.ssh_user}@127.0.0.1", port=machine.ssh_port)
        stack.callback(control.close)
        yield Laboratory(machine, artifacts, control)


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
