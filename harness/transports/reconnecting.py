"""A connection that outlives cables, Wi-Fi and restarted daemons, and notices a restarted device."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from harness.errors import CommandFailed, DeviceError, TooMuchOutput, TransferFailed, TransportError
from harness.system.processes import Completed
from harness.transports.base import LONGEST_ANSWER, LONGEST_PULL, Transport
from harness.transports.verified import run_verified

# A restarted adbd is back within seconds, Wi-Fi within half a minute.
PATIENCE_S = 60.0
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
BOOT_ID = ("cat", "/proc/sys/kernel/random/boot_id")
BOOT_ID_TIMEOUT_S = 20.0

_Answer = TypeVar("_Answer")


class DeviceRestarted(DeviceError):
    """The device rebooted: its processes are gone, and its state is a new one."""


class ReconnectingTransport(Transport):
    """See `Transport`; a call that a broken connection cut short is made again on a new connection.

    So commands must be idempotent; use `run_once` for those that are not. A device that never answered is
    not waited for.

    Raises:
        DeviceRestarted: the device is reached again, with another boot id.
        TransportError: the device was not reached again within `PATIENCE_S`.
    """

    def __init__(self, transport: Transport, log: Callable[[str], None]) -> None:
        self._transport = transport
        self._log = log
        self._boot_id: str | None = None
        self._connected = False
        self._given_up = threading.Event()

    @property
    def name(self) -> str:
        """See `Transport.name`."""
        return self._transport.name

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        """See `Transport.run`."""
        return self._retry(
            lambda: self._transport.run(argv, timeout_s=timeout_s, stdin=stdin, longest_bytes=longest_bytes)
        )

    def run_once(self, argv: Sequence[str], *, timeout_s: float) -> Completed:
        """See `Transport.run_once`."""
        self._retry(lambda: None)
        return self._attempt(lambda: self._transport.run(argv, timeout_s=timeout_s))

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """See `Transport.push`."""
        self._retry(lambda: self._transport.push(source, destination, mode=mode, timeout_s=timeout_s))

    def pull(
        self, source: str, destination: Path, *, timeout_s: float = 300, longest_bytes: int = LONGEST_PULL
    ) -> None:
        """See `Transport.pull`."""
        self._retry(
            lambda: self._transport.pull(
                source, destination, timeout_s=timeout_s, longest_bytes=longest_bytes
            )
        )

    def close(self) -> None:
        """See `Transport.close`."""
        self._transport.close()

    def give_up(self) -> None:
        """See `Transport.give_up`."""
        self._given_up.set()

    def _retry(self, call: Callable[[], _Answer]) -> _Answer:
        deadline: float | None = None
        attempts = 0
        while True:
            try:
                if not self._connected:
                    self._attempt(self._check_boot)
                return self._attempt(call)
            except (TransferFailed, CommandFailed, TooMuchOutput):
                raise
            except TransportError as error:
                if self._boot_id is None or (deadline is not None and time.monotonic() > deadline):
                    raise
                if deadline is None:
                    deadline = time.monotonic() + PATIENCE_S
                    self._log(f"{error.what}; connecting again")
                if self._given_up.wait(PAUSES_S[min(attempts, len(PAUSES_S) - 1)]):
                    raise
                attempts += 1

    def _attempt(self, call: Callable[[], _Answer]) -> _Answer:
        """After any loss the connection is in an unknown state: the next call gets another one."""
        try:
            return call()
        except (TransferFailed, CommandFailed):
            raise
        except TransportError:
            self._connected = False
            self._transport.close()
            raise

    def _check_boot(self) -> None:
        """Compare the boot id with the known one; a device that reports none is taken for the known one."""
        answer = run_verified(self._transport, BOOT_ID, timeout_s=BOOT_ID_TIMEOUT_S)
        boot_id = answer.text.strip() if answer.exit_code == 0 else ""
        if self._boot_id and boot_id and boot_id != self._boot_id:
            raise DeviceRestarted(
                "the device restarted; the process being measured is lost",
                hint="find out why (heat, power, memory), then go on with: harness run --resume FOLDER",
            )
        self._boot_id, self._connected = boot_id or self._boot_id or "", True
