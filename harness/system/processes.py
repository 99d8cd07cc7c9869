"""Programs of this machine: run to their end, or started and ended by the caller. Started nowhere else."""

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.errors import CommandFailed, TimedOut, TooMuchOutput, TransportError, UsageError

MISSING_PROGRAM = 127
UNUSABLE_PROGRAM = 126
LONGEST_OUTPUT = 64 << 20
CHECK_S = 1.0
FITS_A_PIPE = 16 << 10
READ_BYTES = 64 << 10


@dataclass(frozen=True)
class Completed:
    """A remote command that ended: a signal N shows as exit code 128 + N, as shells show it."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: bytes
    stderr: bytes

    def check(self, device: str = "") -> "Completed":
        """Return itself, or raise `CommandFailed` unless the command succeeded."""
        if self.exit_code != 0:
            raise CommandFailed(self.argv, self.exit_code, self.stdout, self.stderr, device=device)
        return self

    @property
    def text(self) -> str:
        """Standard output as text; what is not UTF-8 is replaced."""
        return self.stdout.decode("utf-8", "replace")


@dataclass(frozen=True)
class GrowingFile:
    """A file that a program writes to, and how long it may become before the program is ended."""

    path: Path
    longest_bytes: int

    def size(self) -> int:
        """Its present size; 0 where it is not there yet."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


def checked_argv(argv: Sequence[str]) -> tuple[str, ...]:
    """The same arguments.

    Raises:
        UsageError: there are none, or one holds a NUL byte, which no command line can carry.
    """
    if not argv or any("\0" in argument for argument in argv):
        raise UsageError(f"not a command line: {list(argv)!r}")
    return tuple(argv)


class ProgramTimedOut(TimedOut):
    """A program of this machine did not end in time; `stdout` and `stderr` are what it wrote until then."""

    def __init__(self, what: str, *, stdout: bytes = b"", stderr: bytes = b"") -> None:
        super().__init__(what)
        self.stdout = stdout
        self.stderr = stderr


def run_local(
    argv: Sequence[str],
    *,
    timeout_s: float,
    stdin: bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str | None] | None = None,
    stdin_from: Path | None = None,
    stdout_to: Path | None = None,
    grows: GrowingFile | None = None,
    longest_output: int = LONGEST_OUTPUT,
) -> Completed:
    """Run a program of this machine in a new session; on time-out its whole group is killed.

    `env` adds to the environment, None takes a variable away. `stdin_from` and `stdout_to` connect files to
    the program directly, for what should not go through memory. A program that does not exist shows as exit
    code 127 and one that may not be executed as 126, as in a shell.

    Raises:
        ProgramTimedOut: it did not end within `timeout_s`.
        TooMuchOutput: it printed more than `longest_output` bytes.
        TransportError: the file that `grows` became too long.
        OSError: `stdin_from` cannot be read or `stdout_to` cannot be written.
    """
    with contextlib.ExitStack() as files:
        source: IO[bytes] | None = files.enter_context(stdin_from.open("rb")) if stdin_from else None
        if len(stdin) > FITS_A_PIPE:
            source = files.enter_context(tempfile.TemporaryFile())
            source.write(stdin)
            source.seek(0)
        sink = files.enter_context(stdout_to.open("wb")) if stdout_to else None
        try:
            process = _start(argv, cwd=cwd, env=env, stdin=source, stdout=sink)
        except OSError as error:
            missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
            code = MISSING_PROGRAM if missing else UNUSABLE_PROGRAM
            return Completed(tuple(argv), code, b"", str(error).encode("utf-8", "replace"))
        try:
            if process.stdin:
                _write_all(process.stdin, stdin)
            output = _Output(argv[0], longest_output, grows)
            output.read(process, time.monotonic() + timeout_s, timeout_s)
        finally:
            _end_group(process)
    code = process.returncode
    return Completed(tuple(argv), code if code >= 0 else 128 - code, output.stdout, output.stderr)


def _write_all(stream: IO[bytes], content: bytes) -> None:
    """Write what fits a pipe, and close it; the program may have ended without reading."""
    with contextlib.suppress(BrokenPipeError):
        stream.write(content)
        stream.flush()
    with contextlib.suppress(BrokenPipeError):
        stream.close()


class _Output:
    """All that a program writes until it ends; never more than the bound in memory."""

    def __init__(self, program: str, longest: int, grows: GrowingFile | None) -> None:
        self._program = program
        self._longest = longest
        self._grows = grows
        self._parts: dict[str, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}

    @property
    def stdout(self) -> bytes:
        return bytes(self._parts["stdout"])

    @property
    def stderr(self) -> bytes:
        return bytes(self._parts["stderr"])

    def read(self, process: subprocess.Popen[bytes], deadline: float, timeout_s: float) -> None:
        """Read until both streams and the program have ended."""
        with selectors.DefaultSelector() as selector:
            for name in self._parts:
                if stream := getattr(process, name):
                    selector.register(stream, selectors.EVENT_READ, name)
            while selector.get_map():
                for key, _ in selector.select(self._patience(deadline, timeout_s)):
                    self._take(selector, key)
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self._patience(deadline, timeout_s))
        self._check_file()

    def _patience(self, deadline: float, timeout_s: float) -> float:
        """How long to wait for what comes next."""
        self._check_file()
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            what = f"{self._program!r} did not end within {timeout_s:g} s"
            raise ProgramTimedOut(what, stdout=self.stdout, stderr=self.stderr)
        return min(remaining, CHECK_S)

    def _take(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        read = os.read(key.fd, READ_BYTES)
        if not read:
            stream = selector.unregister(key.fileobj).fileobj
            if not isinstance(stream, int):
                stream.close()  # type: ignore[attr-defined]
            return
        self._parts[key.data] += read
        if sum(map(len, self._parts.values())) > self._longest:
            raise TooMuchOutput(f"{self._program!r} printed more than {byte_size(self._longest)}")

    def _check_file(self) -> None:
        if self._grows and self._grows.size() > self._grows.longest_bytes:
            raise TransportError(
                f"{self._program!r} wrote more than {self._grows.longest_bytes:,} bytes to a file"
            )


def byte_size(size: int) -> str:
    """A bound such as `64 MiB`, or in bytes where it is not a whole number of them."""
    return f"{size >> 20} MiB" if size and size % (1 << 20) == 0 else f"{size:,} bytes"


def start_local(
    argv: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a program of this machine in a new session, its streams piped; the caller ends it."""
    return _start(argv, cwd=cwd, env=env, stdin=None, stdout=None)


def start_detached(argv: Sequence[str], output: Path, *, env: Mapping[str, str] | None = None) -> int:
    """Start a program that goes on when the harness ends; what it prints is in the file. Returns its PID."""
    with output.open("wb") as file:
        return subprocess.Popen(
            list(argv),
            env={**os.environ, **env} if env else None,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ).pid


def process_start(pid: int) -> str | None:
    """When a process started, in clock ticks since boot: a process number is given again, the pair is not.

    Field 22 of /proc/PID/stat, proc_pid_stat(5).
    """
    return _stat_field(pid, 22)


def processes_of_session(session: int) -> tuple[int, ...]:
    """The processes of a session that run, by field 6 of their /proc/PID/stat; its leader may have ended."""
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return tuple(pid for pid in numbers if _stat_field(pid, 6) == str(session) and _stat_field(pid, 3) != "Z")


def _stat_field(pid: int, number: int) -> str | None:
    """A field of /proc/PID/stat, counted from 1; the name in field 2 may have blanks and parentheses."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    at = number - 3
    return fields[at].decode("ascii", "replace") if len(fields) > at else None


def _start(
    argv: Sequence[str],
    *,
    cwd: Path | None,
    env: Mapping[str, str | None] | None,
    stdin: IO[bytes] | None,
    stdout: IO[bytes] | None,
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **(env or {})}
    return subprocess.Popen(
        list(argv),
        cwd=cwd,
        env={name: value for name, value in environment.items() if value is not None},
        stdin=stdin or subprocess.PIPE,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the group of a program whose wait was cut short: by time-out, Ctrl-C or any other error."""
    streams = [stream for stream in (process.stdin, process.stdout, process.stderr) if stream]
    if all(stream.closed for stream in streams) and process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in streams:
        # What was not written yet has no reader any more.
        with contextlib.suppress(BrokenPipeError):
            stream.close()
