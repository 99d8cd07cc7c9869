"""Command lines for a device's POSIX shell whose first and last words prove what happened.

Neither `adb` (it exits 0 when the device's daemon dies) nor `ssh` (255 may be its own failure or the
command's exit code) can be believed about the end of a remote command. So the remote shell itself writes,
to stderr, a random token with its process id before the command, and the same token with the exit code after
it. Without the last word the command did not end; the first word says which process group to end after a
time-out. Stdin and stdout are the command's own.
"""

import re
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from harness.system.processes import Completed, checked_argv

END_S = 5.0  # how long to try to end what a time-out left running


@dataclass(frozen=True)
class FramedCommand:
    """A remote command between its two words."""

    argv: tuple[str, ...]
    token: str

    @classmethod
    def of(cls, argv: Sequence[str]) -> "FramedCommand":
        """Frame a command with a fresh token."""
        return cls(checked_argv(argv), f"harness-{secrets.token_hex(8)}")

    @property
    def line(self) -> str:
        """The text for the remote shell; the parentheses keep `exit` from taking the last word."""
        word = f"printf '{self.token}:%d;' {{}} >&2"
        return f"{word.format('$$')}; ({shlex.join(self.argv)}); {word.format('$?')}"

    @property
    def shell_line(self) -> str:
        """The same as the arguments of a POSIX shell, for a login shell that may be any other."""
        return shlex.join(("sh", "-c", self.line))

    def completed(self, stdout: bytes, stderr: bytes) -> Completed | None:
        """What the command did, its stderr freed of the words; None when it did not end."""
        words = list(self._pattern.finditer(stderr))
        if len(words) < 2:
            return None
        return Completed(self.argv, int(words[1][1]), stdout, self.without_words(stderr))

    def without_words(self, stderr: bytes) -> bytes:
        """What the command itself wrote to stderr, and whoever speaks for the connection."""
        return self._pattern.sub(b"", stderr, count=2)

    def process_group(self, stderr: bytes) -> str | None:
        """The group in which the device runs the command, once it said so."""
        first = self._pattern.search(stderr)
        return first[1].decode() if first else None

    @property
    def _pattern(self) -> re.Pattern[bytes]:
        return re.compile(rb"%s:(\d{1,10});" % self.token.encode())


def end_group_argv(group: str) -> tuple[str, ...]:
    """The command that ends a process group a time-out left behind."""
    return ("sh", "-c", 'kill -s KILL -- "-$1" 2>/dev/null || kill -s KILL "$1"', "sh", group)
