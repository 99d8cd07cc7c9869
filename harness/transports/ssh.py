"""A device over SSH: OpenSSH's own client, one connection shared by all commands."""

import contextlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from harness.errors import DeviceError, DeviceUnfit, TimedOut, TransferFailed, UsageError
from harness.system.processes import MISSING_PROGRAM, Completed, GrowingFile, ProgramTimedOut, run_local
from harness.system.text import last_line
from harness.transports.base import LONGEST_ANSWER, LONGEST_PULL, Transport
from harness.transports.remote_shell import LONGEST_GREETING, FramedCommand, end_group
from harness.transports.ssh_failures import failure
from harness.transports.transfer import (
    QUICK_S,
    check_placed,
    incoming,
    read_size,
    receive_argv,
    size_argv,
    source_size,
)

CONNECT_S = 15
SSH_FAILED = 255  # ssh's own failure, or a signal that ended the command
ALIVE_S = 5  # three unanswered signs of life mean a dead connection
IDLE_S = 60  # after this long unused, a connection that a killed harness left open ends itself
BEHIND_JUMP = b"UNKNOWN port 65535"  # what ssh calls a peer whose address it does not see
SOCKET_PATH_LIMIT = 85  # sockaddr_un holds 104 to 108 bytes, and ssh adds 17 while it listens


class SshTransport(Transport):
    """See `Transport`; `destination` is what `ssh` accepts: a host, `user@host` or a name from its config.

    The user's configuration, agent, jump hosts and known hosts apply, host keys are checked as the user has
    configured it, and ssh never prompts. `options` are passed to ssh before ours.
    """

    name = "ssh"

    def __init__(self, destination: str, *, port: int | None = None, options: Sequence[str] = ()) -> None:
        if destination.startswith("-") or not destination:
            raise UsageError(f"not an SSH destination: {destination!r}")
        self._destination = destination
        self._port = port
        self._options = (*options, *(("-p", str(port)) if port is not None else ()))
        self._folder: Path | None = None

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        """See `Transport.run`."""
        return self._run(argv, timeout_s=timeout_s, stdin=stdin, longest_output=longest_bytes)

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """See `Transport.push`."""
        size = source_size(source)
        received = self._run(
            receive_argv(destination + ".partial", destination, mode, size),
            timeout_s=timeout_s,
            stdin_from=source,
        )
        check_placed(received, source, destination, self._destination)

    def pull(
        self, source: str, destination: Path, *, timeout_s: float = 300, longest_bytes: int = LONGEST_PULL
    ) -> None:
        """See `Transport.pull`."""
        size = read_size(
            *(self.run(size_argv(source), timeout_s=QUICK_S), source, self._destination),
            longest_bytes=longest_bytes,
        )
        with incoming(destination, size, device=self._destination) as partial:
            sent = self._run(("cat", source), timeout_s=timeout_s, stdout_to=partial, longest_bytes=size)
            if sent.exit_code != 0:
                what = f"cannot pull {source}: {last_line(sent.stderr)}"
                raise TransferFailed(what, device=self._destination)

    def close(self) -> None:
        """See `Transport.close`."""
        if self._folder:
            with contextlib.suppress(TimedOut):
                run_local(self._ssh("-O", "exit", "--", self._destination), timeout_s=QUICK_S)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        stdin_from: Path | None = None,
        stdout_to: Path | None = None,
        longest_bytes: int = LONGEST_PULL,
        longest_output: int = LONGEST_ANSWER,
    ) -> Completed:
        command = FramedCommand.of(argv)
        log = self._connect() / "log"
        log.unlink(missing_ok=True)
        try:
            answer = run_local(
                # The login shell may be any; from here on it is a POSIX one that leads the process group.
                self._ssh("-T", "-E", str(log), "--", self._destination, f"exec {command.shell_line}"),
                timeout_s=timeout_s,
                stdin=stdin,
                stdin_from=stdin_from,
                stdout_to=stdout_to,
                grows=GrowingFile(stdout_to, longest_bytes + LONGEST_GREETING) if stdout_to else None,
                longest_output=longest_output,
            )
        except ProgramTimedOut as error:
            # Without a terminal sshd does not end it.
            end_group(self, command.process_group(error.stderr))
            raise TimedOut(
                f"{argv[0]!r} did not end within {timeout_s:g} s", device=self._destination
            ) from error
        stdout = command.drop_greeting(stdout_to) if stdout_to else answer.stdout
        completed = command.completed(stdout, answer.stderr)
        if completed is None:
            if command.process_group(answer.stderr) is None:
                self._check_login_shell(answer, log)
            raise self._lost(_read(log) or command.without_markers(answer.stderr))
        return completed

    def _connect(self) -> Path:
        """Open the shared connection unless it is open; its folder, which only this user can enter."""
        folder = self._folder = self._folder or _private_folder()
        if (folder / "socket").exists():
            return folder
        log = folder / "log"
        log.unlink(missing_ok=True)
        master = self._ssh(
            "-T", "-E", str(log), "-o", "ControlMaster=yes", "-o", f"ControlPersist={IDLE_S}",
            "--", self._destination, "true",
        )  # fmt: skip
        try:
            answer = run_local(master, timeout_s=2 * CONNECT_S)
        except TimedOut as error:
            raise TimedOut(f"no SSH connection within {2 * CONNECT_S} s", device=self._destination) from error
        if answer.exit_code == MISSING_PROGRAM and shutil.which("ssh") is None:
            raise DeviceUnfit(
                "OpenSSH's ssh is not installed", hint="install it (Debian: apt install openssh-client)"
            )
        if answer.exit_code != 0:
            self._check_login_shell(answer, log)
            complaint = _read(log) or answer.stderr
            raise self._lost(self._jump_complaint() if BEHIND_JUMP in complaint else complaint)
        return folder

    def _check_login_shell(self, answer: Completed, log: Path) -> None:
        """Refuse a user whose shell ran something else than the command, such as rbash, nologin or a menu.

        Where the connection breaks, ssh does not end with 0: then the shell ended, without the command.
        """
        if answer.exit_code == SSH_FAILED or _read(log):
            return
        self.close()
        reason = last_line(answer.stderr) or last_line(answer.stdout)
        raise DeviceUnfit(
            "the user's login shell there does not run the harness's commands"
            + (f": {reason}" if reason else ""),
            device=self._destination,
            hint="connect as a user with an ordinary login shell (sh, bash, zsh, fish, csh)",
        )

    def _jump_complaint(self) -> bytes:
        """Why a jump host cannot be passed: under ControlPersist, ssh hides the messages of earlier hops."""
        with contextlib.suppress(TimedOut):
            alone = self._ssh("-S", "none", "-T", "--", self._destination, "true")
            return run_local(alone, timeout_s=2 * CONNECT_S).stderr
        return b""

    def _ssh(self, *arguments: str) -> list[str]:
        folder = self._folder
        return [
            *("ssh", "-o", "ForwardAgent=no", "-o", "ClearAllForwardings=yes", "-o", "Tunnel=no"),
            *self._options,
            *("-a", "-x"),  # whatever the options say
            # A command in the user's configuration would replace ours, and a quiet ssh gives no reasons.
            *("-o", "RemoteCommand=none", "-o", "LogLevel=INFO", *_newer_options()),
            *("-o", f"ControlPath={folder}/socket", "-o", "BatchMode=yes"),
            *("-o", f"ConnectTimeout={CONNECT_S}", "-o", f"ServerAliveInterval={ALIVE_S}"),
            *("-o", "ServerAliveCountMax=3"),
            *arguments,
        ]

    def _lost(self, log: bytes) -> DeviceError:
        """Drop the shared connection; the next call opens another."""
        self.close()
        return failure(log, self._destination, self._port)


@cache
def _newer_options() -> tuple[str, ...]:
    """Against settings that keep away our input, our command or the wait for its end; since OpenSSH 8.7."""
    answer = run_local(["ssh", "-V"], timeout_s=CONNECT_S)
    version = re.search(rb"OpenSSH_(\d+)\.(\d+)", answer.stderr + answer.stdout)
    if not version or (int(version[1]), int(version[2])) < (8, 7):
        return ()
    return ("-o", "StdinNull=no", "-o", "SessionType=default", "-o", "ForkAfterAuthentication=no")


def _read(log: Path) -> bytes:
    try:
        return log.read_bytes()
    except FileNotFoundError:
        return b""


def _private_folder() -> Path:
    """A folder of mode 0700 whose path is short enough for a socket and plain for ssh's ControlPath.

    In ControlPath, blanks, quotes, `%`, `~` and `${` have a meaning of their own.
    """
    folder = Path(tempfile.mkdtemp(prefix="harness-"))
    plain = re.fullmatch(r"[A-Za-z0-9/._+,:@-]+", str(folder))
    if plain and len(bytes(folder / "socket")) <= SOCKET_PATH_LIMIT:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="harness-", dir="/tmp"))
