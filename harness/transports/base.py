"""What every way of reaching a device offers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from harness.system.processes import Completed

# For callers that do not know better; enforced on this side.
LONGEST_PULL = 1 << 30
# What a command may print, greeting of the login shell included; those that print more say so. A probe of a
# thousand cores prints 100 kB.
LONGEST_ANSWER = 1 << 20


class Transport(ABC):
    """A connection to one device; not shared between threads.

    Every method raises `ConnectionLost` or `TimedOut` when the device went away (transient), and
    `TransferFailed` with the device's reason when the device refuses a file (permanent). Remote paths are
    absolute. After `ConnectionLost` the next call connects again.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """How the transport is recorded: `adb`, `adb-direct`, `ssh` or `local`."""

    @abstractmethod
    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        """Run a program on the device, each argument passed unchanged, and wait for its end.

        Raises `TooMuchOutput` (permanent) once it has printed more than `longest_bytes`, on both streams.
        """

    def run_once(self, argv: Sequence[str], *, timeout_s: float) -> Completed:
        """Run a command that must not run twice; after an error it may have run, so the caller must find out.

        `run` of a transport that never repeats a command is that already.
        """
        return self.run(argv, timeout_s=timeout_s)

    @abstractmethod
    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """Copy a file to the device; the destination's folder must exist."""

    @abstractmethod
    def pull(
        self, source: str, destination: Path, *, timeout_s: float = 300, longest_bytes: int = LONGEST_PULL
    ) -> None:
        """Copy a file from the device; on an error nothing is left at the destination.

        More than `longest_bytes` are never taken, whatever the device sends.
        """

    @abstractmethod
    def close(self) -> None:
        """End the connection; closing twice is harmless."""

    def give_up(self) -> None:  # noqa: B027 (only a transport that waits for an absent device has work here)
        """Stop waiting for a device that is away; may be called from any thread."""
