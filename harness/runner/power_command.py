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
    """The lines of a running meter, in the order of their times, and why it is of no use, if it is not."""

    name: str
    times_ns: list[int] = field(default_factory=list)
    watts: list[float] = field(default_factory=list)
    problem: str | None = None
    complained: bytes = b""
    first: threading.Event = field(default_factory=threading.Event)

    def spans(self, uptime_of: Callable[[float], float]) -> tuple[Span, ...]:
        """What was measured until now, at the device's uptimes.

        Raises:
            SensorFailed: the program ended, or printed something else.
        """
        if self.problem:
            raise SensorFailed(self.problem)
        updates = [(uptime_of(ns / 1e9), watts) for ns, watts in zip(self.times_ns, self.watts, strict=False)]
        return spans_of_powers(updates)

    def take(self, line: bytes) -> None:
        """One line without its end; the first that is none makes the meter useless."""
        match = _LINE.fullmatch(line.strip())
        if match is None or float(match[2]) > MOST_WATTS:
            text = excerpt(line.decode("utf-8", "replace"))
            self.fail(f"{self.name} printed {text!r}, which is not <unix_ns> <watts>")
            return
        at_ns = int(match[1])
        if abs(at_ns / 1e9 - time.time()) > CLOCK_SLACK_S:
            self.fail(f"{self.name} printed the time {at_ns}, which is not now in nanoseconds since 1970")
        elif self.times_ns and at_ns <= self.times_ns[-1]:
            self.fail(f"the times of {self.name} count backwards, from {self.times_ns[-1]} to {at_ns} ns")
        elif len(self.times_ns) >= MOST_LINES:
            self.fail(f"{self.name} printed more than {MOST_LINES:,} lines")
        else:
            self.watts.append(float(match[2]))
            self.times_ns.append(at_ns)
            self.first.set()

    def fail(self, problem: str) -> None:
        """Of no use from now on."""
        self.problem = self.problem or problem
        self.first.set()


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
            raise SensorFailed(f"{meter.name} printed no reading within {first_line_s:g} s")
        if meter.problem:
            raise SensorFailed(meter.problem)
        yield meter


def _read(process: LocalProcess, meter: PowerMeter) -> None:
    """Until the program ends, or until it printed what is not a reading."""
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
        for line in (*lines, *((rest,) if len(rest) > LONGEST_LINE else ())):
            if not meter.problem:
                meter.take(line)


def _how(process: LocalProcess) -> str:
    try:
        return f" with exit code {process.wait(timeout=1.0)}"
    except Exception:  # it closed its output, and goes on
        return ""


def _why(meter: PowerMeter) -> str:
    """The last line that it wrote to standard error, which another thread reads."""
    time.sleep(LAST_WORDS_S)
    lines = meter.complained.decode("utf-8", "replace").strip().splitlines()
    return f": {excerpt(lines[-1])}" if lines else ""


def _drain(process: LocalProcess, meter: PowerMeter) -> None:
    """What it writes to standard error must not block it; the end of it is kept."""
    while process.stderr is not None:
        try:
            read = os.read(process.stderr.fileno(), READ_BYTES)
        except (OSError, ValueError):
            return
        if not read:
            return
        meter.complained = (meter.complained + read)[-MOST_KEPT:]
