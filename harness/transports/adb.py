"""A device through Google's adb: USB, Wi-Fi pairing, emulators, remote servers."""

import contextlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import (
    ConnectionLost,
    DeviceError,
    DeviceUnfit,
    TimedOut,
    TransportError,
)
from harness.system.processes import MISSING_PROGRAM, Completed, GrowingFile, ProgramTimedOut, run_local
from harness.system.text import ending
from harness.transports.adb_failures import early_end, transfer_failure
from harness.transports.base import LONGEST_ANSWER, LONGEST_PULL, Transport
from harness.transports.remote_shell import FramedCommand, end_group
from harness.transports.transfer import (
    QUICK_S,
    check_placed,
    incoming,
    place_argv,
    read_size,
    size_argv,
    source_size,
)

SDK_VARIABLES = ("ANDROID_HOME", "ANDROID_SDK_ROOT")


@dataclass(frozen=True)
class AttachedDevice:
    """One line of `adb devices -l`; fields that an unusable device does not report are None."""

    serial: str
    state: str
    model: str | None
    product: str | None
    transport_id: int | None


def find_adb() -> str | None:
    """Google's adb, if any: on PATH, else in `platform-tools` of `ANDROID_HOME` or `ANDROID_SDK_ROOT`."""
    if on_path := shutil.which("adb"):
        return on_path
    for sdk in filter(None, map(os.environ.get, SDK_VARIABLES)):
        if in_sdk := shutil.which("adb", path=str(Path(sdk) / "platform-tools")):
            return in_sdk
    return None


def list_devices(
    *, adb: str | None = None, env: Mapping[str, str] | None = None
) -> tuple[AttachedDevice, ...]:
    """The devices the adb server knows, usable or not.

    Raises:
        DeviceUnfit: adb is not installed.
        TransportError: the server does not answer, or in an unknown form.
    """
    completed = _adb(adb, "devices", "-l", env=env)
    if completed.exit_code != 0:
        raise early_end(completed.stderr, "")
    return parse_devices(completed.text)


def connect(address: str, *, adb: str | None = None, env: Mapping[str, str] | None = None) -> None:
    """Let the adb server connect to `host:port`; harmless when it is connected already.

    Raises:
        ConnectionLost: the address does not answer.
        DeviceUnfit: the device does not accept this computer's key.
    """
    # Old versions of adb exit 0 even on failure; only the message distinguishes the two.
    completed = _adb(adb, "connect", address, env=env)
    answer = (completed.text + completed.stderr.decode("utf-8", "replace")).strip()
    if re.match(r"(already )?connected to ", answer, re.MULTILINE):
        return
    if "authenticate" in answer:
        raise early_end(b"error: device unauthorized", address)
    raise ConnectionLost(
        f"adb cannot connect: {ending(answer)}",
        device=address,
        hint="check the address and that the device is awake",
    )


_STATES = (
    "device|offline|unauthorized|authorizing|connecting|detached|recovery|rescue|sideload|bootloader|host"
    r"|no device|unknown|no permissions(?: \(.*?\))?(?:; see \[.*?\])?"
)
_FACTS = r"(?P<facts>(?: [a-z_]+:\S*| \d[\d.-]*X?)*)"
_LINE = re.compile(rf"(?P<serial>\S.*?)\s+(?P<state>{_STATES}){_FACTS}\s*")
# A state that only a later adb knows: adb ends every line of a device with the number of its transport.
_LATER_LINE = re.compile(rf"(?P<serial>\S+)\s+(?P<state>[a-z][a-z -]{{0,40}}?){_FACTS} transport_id:\d+\s*")


def parse_devices(listing: str) -> tuple[AttachedDevice, ...]:
    """Read `adb devices -l`; messages of adb between the devices are passed over.

    Raises:
        TransportError: it is not a list of devices.
    """
    _, heading, devices = listing.partition("List of devices attached")
    if not heading:
        raise TransportError(f"not a list of devices: {listing[:200]!r}")
    listed = (_parse_line(line.rstrip()) for line in devices.splitlines()[1:])
    return tuple(device for device in listed if device)


def _parse_line(line: str) -> AttachedDevice | None:
    """The device of a line; None for adb's own messages, such as `* daemon started successfully`."""
    match = _LINE.fullmatch(line) or _LATER_LINE.fullmatch(line)
    if not match or line.startswith("*"):
        return None
    facts = dict(fact.split(":", 1) for fact in line[match.end("state") :].split() if ":" in fact)
    number = facts.get("transport_id", "")
    return AttachedDevice(
        serial=match["serial"],
        state="no permissions" if match["state"].startswith("no permissions") else match["state"],
        model=facts.get("model"),
        product=facts.get("product"),
        transport_id=int(number) if re.fullmatch(r"\d{1,18}", number) else None,
    )


class AdbTransport(Transport):
    """See `Transport`; `serial` is what `adb devices` lists, `env` adds to adb's environment.

    `ADB_SERVER_SOCKET`, `ANDROID_ADB_SERVER_PORT` and `ADB_VENDOR_KEYS` work as always.
    """

    name = "adb"

    def __init__(self, serial: str, *, adb: str | None = None, env: Mapping[str, str] | None = None) -> None:
        self._serial = serial
        self._is_address = re.fullmatch(r".+:\d+", serial) is not None
        self._adb = adb or find_adb() or "adb"
        self._env = env
        self._connected = False
        self._worked = False
        self._lost_before = False
        self._silent = False

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        stdin: bytes = b"",
        longest_bytes: int = LONGEST_ANSWER,
    ) -> Completed:
        """See `Transport.run`."""
        command = FramedCommand.of(argv)
        self._connect()
        try:
            # -T: no terminal, which would mix the streams and translate line ends.
            answer = self._device(
                *("shell", "-T", command.line),
                timeout_s=timeout_s,
                stdin=stdin,
                longest_output=longest_bytes,
            )
        except ProgramTimedOut as error:
            self._silent = True
            end_group(self, command.process_group(error.stderr))
            raise TimedOut(f"{argv[0]!r} did not end within {timeout_s:g} s", device=self._serial) from error
        completed = command.completed(answer.stdout, answer.stderr)
        if completed is None:
            if command.ended_on(answer.stdout):
                raise DeviceUnfit(
                    "the device's adbd does not separate stderr from stdout",
                    device=self._serial,
                    hint="Android 7 or later is needed",
                )
            raise self._record_failure(early_end(command.without_markers(answer.stderr), self._serial))
        self._silent = False
        self._worked = True
        return completed

    def push(self, source: Path, destination: str, *, mode: int = 0o644, timeout_s: float = 300) -> None:
        """See `Transport.push`."""
        size = source_size(source)
        partial = destination + ".partial"
        self._connect()
        answer = self._transfer("push", str(source.absolute()), partial, timeout_s=timeout_s)
        if answer.exit_code != 0:
            raise self._record_failure(
                transfer_failure(answer, f"cannot push {source.name} to {destination}", self._serial)
            )
        placed = self.run(place_argv(partial, destination, mode, size), timeout_s=QUICK_S)
        check_placed(placed, source, destination, self._serial)

    def pull(
        self, source: str, destination: Path, *, timeout_s: float = 300, longest_bytes: int = LONGEST_PULL
    ) -> None:
        """See `Transport.pull`."""
        # Asked first, because `adb pull` copies whole folders, symbolic links included.
        size = read_size(
            self.run(size_argv(source), timeout_s=QUICK_S), source, self._serial, longest_bytes=longest_bytes
        )
        with incoming(destination, size, device=self._serial) as partial:
            answer = self._transfer(
                *("pull", source, str(partial)), timeout_s=timeout_s, grows=GrowingFile(partial, size)
            )
            if answer.exit_code != 0:
                raise self._record_failure(transfer_failure(answer, f"cannot pull {source}", self._serial))

    def close(self) -> None:
        """End the connection of a silent device; any other belongs to the adb server and all its clients."""
        if self._silent:
            self._disconnect()

    def _connect(self) -> None:
        """Start the adb server separately from any command, and reach a device that it lost."""
        if self._connected:
            return
        # With a remote server this fails, harmlessly: what matters is that no later command starts one,
        # because its greeting would be in that command's stderr and a time-out would kill the server.
        _adb(self._adb, "start-server", env=self._env)
        if self._is_address:
            try:
                connect(self._serial, adb=self._adb, env=self._env)
            except DeviceError as error:
                raise self._record_failure(error) from error
        elif self._lost_before:
            with contextlib.suppress(TimedOut):
                self._device("wait-for-device", timeout_s=QUICK_S)
        self._connected = True

    def _device(
        self,
        *arguments: str,
        timeout_s: float,
        stdin: bytes = b"",
        grows: GrowingFile | None = None,
        longest_output: int = LONGEST_ANSWER,
    ) -> Completed:
        argv = [self._adb, "-s", self._serial, *arguments]
        return run_local(
            argv,
            timeout_s=timeout_s,
            stdin=stdin,
            env=self._env,
            grows=grows,
            longest_output=longest_output,
        )

    def _transfer(self, *arguments: str, timeout_s: float, grows: GrowingFile | None = None) -> Completed:
        try:
            return self._device(*arguments, timeout_s=timeout_s, grows=grows)
        except TimedOut as error:
            self._silent = True
            raise TimedOut(
                f"adb {arguments[0]} did not end within {timeout_s:g} s", device=self._serial
            ) from error

    def _record_failure(self, failure: DeviceError) -> DeviceError:
        """After a broken connection let the next call connect again.

        A device that worked before is neither unauthorized nor unfit: such a failure is the connection's.
        """
        if self._worked and isinstance(failure, DeviceUnfit):
            failure = ConnectionLost(failure.what, device=self._serial, hint=failure.hint)
        if isinstance(failure, ConnectionLost):
            self._lost_before = True
            self._disconnect()
        return failure

    def _disconnect(self) -> None:
        """Drop the connection: the adb server would keep a dead one and use it for the next call."""
        self._connected = self._silent = False
        if self._is_address:
            with contextlib.suppress(DeviceError):
                _adb(self._adb, "disconnect", self._serial, env=self._env)


def _adb(adb: str | None, *arguments: str, env: Mapping[str, str] | None) -> Completed:
    completed = run_local([adb or find_adb() or "adb", *arguments], timeout_s=QUICK_S, env=env)
    if completed.exit_code == MISSING_PROGRAM:
        raise DeviceUnfit(
            "Google's adb is not installed",
            hint="install it (Debian: apt install adb) or set ANDROID_HOME to the SDK's folder; "
            "HOST:PORT and usb:SERIAL work without adb",
        )
    return completed
