"""The user's own meter: a program of this machine that prints `<unix_ns> <watts>` lines while a cell runs."""

import os
import re
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.records import EnergySource
from harness.records.energy import MOST_WATTS
from harness.runner.energy_readings import SensorFailed, Span, spans_of_powers
from harness.system.child_processes import LocalProcess, running
from harness.system.text import excerpt, printable

# A meter of 1,000 readings a second for ten minutes; more is rubbish, or no meter for this.
MOST_LINES, LONGEST_LINE = 600_000, 200
FIRST_LINE_S = 10.0
READ_BYTES = 1 << 16
MOST_KEPT, LAST_WORDS_S = 2000, 0.1
# Far more than the buffer of a program that prints whole blocks is late by.
CLOCK_SLACK_S = 3600.0

_LINE = re.compile(rb"([0-9]{1,20})[ \t]+([0-9]{1,6}(?:\.[0-9]{0,20})?(?:[eE][+-]?[0-9]{1,2})?)")


def power_source(command: Sequence[str]) -> EnergySource:
    """What a cell says of the meter; its arguments are not saved, because they may hold a password."""
    name = printable(Path(command[0]).name)[:60]
    return EnergySource(
        kind="power_command", name=f"--power-command {name}", covers="what the command's meter is wired to"
    )


@dataclass
class PowerMeter:
    """The lines of a running meter, in the order of their times, and why it is of no use, if it is not.

    `skipped` lines are no readings; `first_skipped` says what the first of them was.
    """

    name: str
    times_ns: list[int] = field(default_factory=list)
    watts: list[float] = field(default_factory=list)
    skipped: int = 0
    first_skipped: str = ""
    problem: str | None = None
    _complained: bytes = b""
    first: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def complain(self, read: bytes) -> None:
        """Take a piece of what it writes to standard error; the end of it is kept."""
        self._complained = (self._complained + read)[-MOST_KEPT:]

    @property
    def last_complaint(self) -> str:
        """The last line of it, cut; empty if there is none."""
        lines = self._complained.decode("utf-8", "replace").strip().splitlines()
        return excerpt(lines[-1]) if lines else ""

    def spans(self, uptime_of: Callable[[float], float]) -> tuple[Span, ...]:
        """What was measured until now, at the device's uptimes.

        Raises:
            SensorFailed: the program ended, or printed too much.
        """
        if self.problem:
            raise SensorFailed(self.problem)
        updates = [(uptime_of(ns / 1e9), watts) for ns, watts in zip(self.times_ns, self.watts, strict=False)]
        return spans_of_powers(updates)

    def take(self, line: bytes) -> None:
        """One line without its end; a header, a blank or a wrong one is skipped.

        A meter that prints nothing else has no reading soon, or too few in a window.
        """
        match = _LINE.fullmatch(line.strip())
        at_ns = int(match[1]) if match else 0
        if len(self.times_ns) + self.skipped >= MOST_LINES:
            self.fail(f"{self.name} printed more than {MOST_LINES:,} lines")
        elif match is None or float(match[2]) > MOST_WATTS:
            text = excerpt(line.decode("utf-8", "replace"))
            self._skip(f"{self.name} printed {text!r}, which is not <unix_ns> <watts>")
        elif abs(at_ns / 1e9 - time.time()) > CLOCK_SLACK_S:
            self._skip(f"{self.name} printed the time {at_ns}, which is not now in nanoseconds since 1970")
        elif self.times_ns and at_ns <= self.times_ns[-1]:
            self._skip(f"the times of {self.name} do not rise, from {self.times_ns[-1]} to {at_ns} ns")
        else:
            self.watts.append(float(match[2]))
            self.times_ns.append(at_ns)
            self.first.set()

    def _skip(self, why: str) -> None:
        self.skipped += 1
        self.first_skipped = self.first_skipped or why

    def fail(self, problem: str) -> None:
        """Of no use from now on."""
        self.problem = self.problem or problem
        self.first.set()
        self.over.set()

    def with_skipped(self, reason: str) -> str:
        """A reason with what was skipped, of which there may be too much."""
        if not self.skipped:
            return reason
        lines = "1 line was" if self.skipped == 1 else f"{self.skipped:,} lines were"
        return f"{reason}; {lines} skipped: {self.first_skipped}"


@contextmanager
def metering(command: Sequence[str], *, first_line_s: float = FIRST_LINE_S) -> Iterator[PowerMeter]:
    """Run the meter as long as the block; it is ended with all that it started.

    Raises:
        SensorFailed: it cannot be started, or prints no reading soon.
    """
    meter = PowerMeter(Path(command[0]).name or shlex.join(command))
    with ExitStack() as ended:
        try:
            process = ended.enter_context(running(command))
        except (OSError, ValueError) as error:
            raise SensorFailed(f"--power-command cannot be started: {error}") from error
        for target in (_read, _drain):
            threading.Thread(target=target, args=(process, meter), daemon=True).start()
        if not meter.first.wait(first_line_s):
            raise SensorFailed(
                meter.with_skipped(f"{meter.name} printed no reading within {first_line_s:g} s")
            )
        if meter.problem:
            raise SensorFailed(meter.with_skipped(meter.problem))
        yield meter


def _read(process: LocalProcess, meter: PowerMeter) -> None:
    """Until the program ends, or until it printed too much."""
    if process.stdout is None:
        return
    rest = b""
    while not meter.problem:
        try:
            read = os.read(process.stdout.fileno(), READ_BYTES)
        except (OSError, ValueError):
            read = b""
        if not read:
            meter.fail(f"{meter.name} ended{_how(process)} before the measurement did{_why(meter)}")
            return
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            meter.take(line)
        # Of a line that does not end only its beginning is kept: it is no reading, whatever follows.
        rest = rest[: LONGEST_LINE + 1]


def _how(process: LocalProcess) -> str:
    try:
        return f" with exit code {process.wait(timeout=1.0)}"
    except Exception:  # it closed its output, and goes on
        return ""


def _why(meter: PowerMeter) -> str:
    """The last line that it wrote to standard error, which another thread reads."""
    time.sleep(LAST_WORDS_S)
    complaint = meter.last_complaint
    return f": {complaint}" if complaint else ""


def _drain(process: LocalProcess, meter: PowerMeter) -> None:
    """What it writes to standard error must not block it."""
    while process.stderr is not None:
        try:
            read = os.read(process.stderr.fileno(), READ_BYTES)
        except (OSError, ValueError):
            return
        if not read:
            return
        meter.complain(read)
