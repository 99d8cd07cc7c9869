"""A device that was named and found, but not yet touched."""

from dataclasses import dataclass
from typing import Literal

Libc = Literal["bundled", "system"]


@dataclass(frozen=True)
class Target:
    """Where a device is and how to reach it.

    `address` is an ADB serial, `host:port`, an SSH destination, or the emulator's core. `folder` is
    empty for the kind's own choice. `launcher` is put before the runner. `libc` says whose C library it uses.
    `cores` are those to run on unless the run names others: a cluster's name or a CPU list; empty for any.
    """

    name: str
    kind: str
    transport: str
    address: str = ""
    folder: str = ""
    launcher: tuple[str, ...] = ()
    port: int | None = None
    tags: tuple[str, ...] = ()
    libc: Libc = "bundled"
    cores: str = ""

    @property
    def lives_here(self) -> bool:
        """Whether measuring it keeps this machine busy, so that nothing else may run beside it."""
        return self.kind in ("host", "emulator", "arm_vm")
