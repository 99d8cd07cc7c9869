"""Command lines for a device's POSIX shell, with markers that prove how a command ended.

Neither `adb` (it exits 0 when the device's daemon dies) nor `ssh` (255 may be its own failure or the
command's exit code) reports the end of a remote command reliably. So the remote shell itself writes two
markers to stderr: before the command a random token with the shell's process id, after it the same token with
the exit code. Without the second marker the command did not end; the first gives the process group to kill
after a time-out. The token on stdout ends what the device's shell or login shell printed before, such as a
banner or an `echo` in .bashrc. Stdin and the rest of stdout are the command's own.
"""

import contextlib
import os
import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DeviceError
from harness.system.processes import Completed, checked_argv
from harness.transports.base import Transport

LONGEST_GREETING = 1 << 16
END_S = 5.0  # how long to try to end what a time-out left running


@dataclass(frozen=True)
class FramedCommand:
    """A remote command between its two markers."""

    argv: tuple[str, ...]
    token: str

    @classmethod
    def of(cls, argv: Sequence[str]) -> "FramedCommand":
        """Frame a command with a fresh token."""
        return cls(checked_argv(argv), f"harness-{secrets.token_hex(8)}")

    @property
    def line(self) -> str:
        """The text for the remote shell; the parentheses keep `exit` from skipping the second marker."""
        marker = f"printf '{self.token}:%d;' {{}} >&2"
        start = f"printf '{self.token};'"
        return f"{start}; {marker.format('$$')}; ({shlex.join(self.argv)}); {marker.format('$?')}"

    @property
    def shell_line(self) -> str:
        """The same as the arguments of a POSIX shell, for a login shell that may be any other.

        In single quotes, csh gives `!` and newlines a meaning, and fish a backslash before another one or
        before a quote. These, and what means something in the inner double quotes, are escaped or written as
        numbers.
        """
        coded = "".join(map(_coded, os.fsencode(self.line)))
        return f"""sh -c 'eval "$(printf %b "{coded}")"'"""

    def drop_greeting(self, file: Path) -> bytes:
        """Remove the greeting from stdout that went to a file; what to give `completed` for that stdout."""
        with file.open("r+b") as output:
            begin = output.read(LONGEST_GREETING).find(self._start)
            if begin < 0:
                return b""
            source, target = begin + len(self._start), 0
            while output.seek(source) and (piece := output.read(1 << 20)):
                output.seek(target)
                source, target = source + len(piece), target + output.write(piece)
            output.truncate(target)
        return self._start

    @property
    def _start(self) -> bytes:
        return f"{self.token};".encode()

    def completed(self, stdout: bytes, stderr: bytes) -> Completed | None:
        """The ended command, its streams without the markers; None when it did not end."""
        _, started, own = stdout.partition(self._start)
        markers = list(self._pattern.finditer(stderr))
        if not started or len(markers) < 2:
            return None
        return Completed(self.argv, int(markers[1][1]), own, self.without_markers(stderr))

    def ended_on(self, output: bytes) -> bool:
        """Whether a single stream has both markers, as where a device does not separate stderr."""
        return len(self._pattern.findall(output)) > 1

    def without_markers(self, stderr: bytes) -> bytes:
        """Stderr without the markers: what the command, or ssh or adb about the connection, wrote."""
        return self._pattern.sub(b"", stderr, count=2)

    def process_group(self, stderr: bytes) -> str | None:
        """The group in which the device runs the command; None before the first marker."""
        first = self._pattern.search(stderr)
        return first[1].decode() if first else None

    @property
    def _pattern(self) -> re.Pattern[bytes]:
        return re.compile(rb"%s:(\d{1,10});" % self.token.encode())


# A script of 12 kB has some 1,400 of these: as numbers they would add 4 kB.
_SHORT = {ord("\n"): "\\n", ord('"'): '\\"', ord("$"): "\\$"}


def _coded(byte: int) -> str:
    """The character as it is, escaped for `printf %b` in double quotes, or in its octal form."""
    if byte in _SHORT:
        return _SHORT[byte]
    return f"\\0{byte:03o}" if not 0x20 <= byte < 0x7F or chr(byte) in "'\"\\$`!" else chr(byte)


def end_group(transport: Transport, group: str | None) -> None:
    """Kill the process group that a time-out left on the device, if the device still answers."""
    if group:
        argv = ("sh", "-c", 'kill -s KILL -- "-$1" 2>/dev/null || kill -s KILL "$1"', "sh", group)
        with contextlib.suppress(DeviceError):
            transport.run(argv, timeout_s=END_S)
