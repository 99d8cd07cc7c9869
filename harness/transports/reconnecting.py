"""A connection that outlives cables, Wi-Fi and restarted daemons, and notices a restarted device."""

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from harness.errors import CommandFailed, DeviceError, TransferFailed, TransportError
from harness.system.processes import Completed
from harness.transports.base import Transport
from harness.transports.verified import run_verified

# A restarted adbd is back within seconds, Wi-Fi within half a minute.
PATIENCE_S = 60.0
PAUSES_S = (0.5, 1.0, 2.0, 4.0)
BOOT_ID = ("cat", "/proc/sys/kernel/random/boot_id")
BOOT_ID_TIMEOUT_S = 20.0

_Answer = TypeVar("_Answer")


class DeviceRestarted(DeviceError):
    """The device was booted anew: what ran there is gone, and its state is another one."""


class ReconnectingTransport(Transport):
    """See `Transport`; a call that the connection's end cut short is made again on a new one.

    So every command must bear to be run twice; `run_once` is for those that do not. A device that never
    answered is not waited for.

    Raises:
        DeviceRestarted: the connection came back, to a device with another boot id.
        TransportError: it did not come back within `PATIENCE_S`.
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

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"") -> Completed:
        """See `Transport.run`."""
        return self._patiently(lambda: self._transport.run(argv, timeout_s=timeout_s, stdin=stdin))

    def run_once(self, argv: Sequence[str], *, timeout_s: float) -> Completed:
        """Run what must not happen twice; a call that failed may have happened: find out."""
        self._patiently(lambda: None)
        return self._attempt(lambda: self._transport.run(argv, timeout_s=timeout_s))

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """See `Transport.push`."""
        self._patiently(lambda: self._transport.push(source, destination, mode=mode, timeout_s=timeout_s))

    def pull(self, source: str, destination: Path, *, timeout_s: float = 300) -> None:
        """See `Transport.pull`."""
        self._patiently(lambda: self._transport.pull(source, destination, timeout_s=timeout_s))

    def close(self) -> None:
        """See `Transport.close`."""
        self._transport.close()

    def give_up(self) -> None:
        """Wait for a device that is away no longer; called from another thread than the one that waits."""
        self._given_up.set()

    def _patiently(self, call: Callable[[], _Answer]) -> _Answer:
        deadline: float | None = None
        attempts = 0
        while True:
            try:
                if not self._connected:
                    self._attempt(self._meet)
                return self._attempt(call)
            except (TransferFailed, CommandFailed):
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

    def _meet(self) -> None:
        """See which boot of the device answers; some do not tell, and pass as the one known."""
        answer = run_verified(self._transport, BOOT_ID, timeout_s=BOOT_ID_TIMEOUT_S)
        boot_id = answer.text.strip() if answer.exit_code == 0 else ""
        if self._boot_id and boot_id != self._boot_id:
            raise DeviceRestarted(
                "it restarted; what it was measuring is lost",
                hint="find out why (heat, power, memory), then go on with: harness run --resume FOLDER",
            )
        self._boot_id, self._connected = boot_id, True
