"""Transports that misbehave on purpose, beneath which commands run for real here; and a QEMU in name only."""

from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import ConnectionLost
from harness.system.processes import Completed
from harness.transports.base import LONGEST_ANSWER
from harness.transports.local import LocalTransport


class FlakyTransport(LocalTransport):
    """Loses the connection just after the commands that `loses` picks, as a pulled cable does.

    The command itself goes on or has happened; only its answer is lost. Each pick counts once.
    """

    def __init__(self, loses: Callable[[Sequence[str]], bool], *, times: int = 1) -> None:
        self._loses = loses
        self._times = times
        self.commands: list[tuple[str, ...]] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        """Run it; then perhaps lose the answer."""
        self.commands.append(tuple(argv))
        lose = self._times > 0 and self._loses(argv)
        completed = super().run(argv, timeout_s=timeout_s, stdin=stdin, longest_bytes=longest_bytes)
        if lose:
            self._times -= 1
            raise ConnectionLost("the cable was pulled")
        return completed


class DamagingTransport(LocalTransport):
    """Damages the first `times` files that are pushed."""

    def __init__(self, *, times: int) -> None:
        self._times = times
        self.pushed: list[str] = []

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """Copy it, and flip its last byte while there is damage to do."""
        super().push(source, destination, mode=mode, timeout_s=timeout_s)
        self.pushed.append(destination)
        if self._times > 0:
            self._times -= 1
            content = bytearray(Path(destination).read_bytes())
            content[-1] ^= 1
            Path(destination).write_bytes(content)


def install_fake_qemu(folder: Path, version: str, *, plugins: bool = True) -> None:
    """A `qemu-aarch64` that says this of itself and can do nothing."""
    folder.mkdir(exist_ok=True)
    option = "-plugin              QEMU_PLUGIN       [file=]<file>" if plugins else "-strace"
    script = f'#!/bin/sh\necho "qemu-aarch64 version {version}"\necho "{option}"\n'
    (folder / "qemu-aarch64").write_text(script)
    (folder / "qemu-aarch64").chmod(0o755)
