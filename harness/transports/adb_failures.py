"""What the error lines of Google's adb mean."""

import re

from harness.errors import ConnectionLost, DeviceError, DeviceUnfit, TransferFailed
from harness.system.processes import Completed
from harness.system.text import ending

_FAILURES: tuple[tuple[str, type[DeviceError], str, str], ...] = (
    (
        r"^device unauthorized",
        DeviceUnfit,
        "the device has not accepted this computer's key",
        "unlock it and answer 'Allow USB debugging?' with 'Always allow'",
    ),
    (
        r"insufficient permissions|no permissions",
        DeviceUnfit,
        "this user may not open the USB device",
        "add the device's udev rule (Debian: apt install android-sdk-platform-tools-common) and replug it",
    ),
    (
        r"more than one device",
        DeviceUnfit,
        "several devices have this serial",
        "use a serial that only one has",
    ),
    (
        r"^device offline|^device still (connecting|authorizing)",
        ConnectionLost,
        "the device is offline",
        "replug it, or switch USB debugging off and on",
    ),
    (
        r"^device .*not found|^no devices",
        ConnectionLost,
        "adb knows no such device",
        "check the cable or address and what `adb devices` lists",
    ),
    (
        r"cannot connect to daemon|failed to start daemon|cannot start server|protocol fault",
        ConnectionLost,
        "the adb server does not answer",
        "run `adb kill-server; adb start-server`, or check ADB_SERVER_SOCKET",
    ),
    (
        r"^closed|connection reset|couldn't (read from|write to) device|device disconnected|connect failed"
        r"|^failed to read copy response|^no response",
        ConnectionLost,
        "the connection to the device broke",
        "check the cable or network",
    ),
)


def transfer_failure(said: Completed, what: str, serial: str) -> DeviceError:
    """Why adb ended a transfer: the device refuses the file, or is gone."""
    # Among its progress, and on stdout.
    complaints = _complaints(said.stdout + b"\n" + said.stderr)
    failure = _connection_failure(complaints, serial)
    if failure:
        return failure
    if not complaints:
        return ConnectionLost(f"{what}: the connection broke", device=serial)
    return TransferFailed(f"{what}: {ending(complaints[-1])}", device=serial)


def early_end(stderr: bytes, serial: str) -> DeviceError:
    """Why adb ended without the remote command's last word."""
    failure = _connection_failure(_complaints(stderr), serial)
    if failure:
        return failure
    said = ending(stderr)
    return ConnectionLost(
        "the connection broke before the command's end" + (f": {said}" if said else ""), device=serial
    )


def _complaints(output: bytes) -> tuple[str, ...]:
    """The reasons in adb's own error lines, without the names of files, which may say anything."""
    lines = output.decode("utf-8", "replace").splitlines()
    # adb 29 says `error: `, adb 34 `adb: ` instead, both sometimes `adb: error: `.
    matches = (
        re.match(r"(?:adb: error|error|adb): (?:failed to copy '.*' to '.*': )?(.*)|(\* .*)", line)
        for line in lines
    )
    return tuple(match[1] or match[2] for match in matches if match)


def _connection_failure(complaints: tuple[str, ...], serial: str) -> DeviceError | None:
    for pattern, kind, what, hint in _FAILURES:
        if any(re.search(pattern, complaint, re.IGNORECASE) for complaint in complaints):
            return kind(what, device=serial, hint=hint)
    return None
