"""A device that was named and found, but not yet touched."""

from collections.abc import Iterator, Sequence
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
    def runs_on_host(self) -> bool:
        """Whether measuring it keeps this machine busy, so that nothing else may run beside it."""
        return self.kind in ("host", "emulator", "arm_vm")


def group_by_place(targets: Sequence[Target]) -> Iterator[tuple[Target, ...]]:
    """Those that live on this machine would disturb each other: one group; each other is one of its own."""
    here = tuple(target for target in targets if target.runs_on_host)
    if here:
        yield here
    for target in targets:
        if not target.runs_on_host:
            yield (target,)
