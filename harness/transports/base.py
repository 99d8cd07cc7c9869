"""What every way of talking to a device offers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from harness.system.processes import Completed


def printable(said: bytes, *, longest: int = 300) -> str:
    """The end of what a device says, safe to show: control characters could command the terminal."""
    text = said.decode("utf-8", "replace").strip()
    return "".join(character if character.isprintable() else "\ufffd" for character in text)[-longest:]


def last_line(said: bytes) -> str:
    """The last line of what a device says, safe to show."""
    return printable(said.strip().rpartition(b"\n")[2])


class Transport(Protocol):
    """A connection to one device; not shared between threads.

    Every method raises `ConnectionLost` or `TimedOut` when the device went away (transient), and
    `TransferFailed` with the device's reason when it refuses a file (permanent). Remote paths are
    absolute. After `ConnectionLost` the next call connects anew.
    """

    @property
    def name(self) -> str:
        """How it is recorded: `adb`, `adb-direct`, `ssh` or `local`."""

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Completed:
        """Run a program on the device, each argument passed as it is, and wait for its end."""

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """Copy a file to the device; the destination's folder must exist."""

    def pull(self, source: str, destination: Path, *, timeout_s: float = 300) -> None:
        """Copy a file from the device; on an error nothing is left at the destination."""

    def close(self) -> None:
        """End the connection; closing twice is harmless."""
