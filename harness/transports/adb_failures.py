"""What the error lines of Google's adb mean."""

import re

from harness.errors import ConnectionLost, DeviceError, DeviceUnfit, TransferFailed
from harness.system.processes import Completed
from harness.system.text import ending

# Hints that several routes to a device share.
ACCEPT_KEY = "unlock the device and answer 'Allow USB debugging?' with 'Always allow'"
UDEV_RULE = "add the device's udev rule (Debian: apt install android-sdk-platform-tools-common) and replug it"

_FAILURES: tuple[tuple[str, type[DeviceError], str, str], ...] = (
    (
        r"^device unauthorized",
        DeviceUnfit,
        "the device has not accepted this computer's key",
        ACCEPT_KEY,
    ),
    (
        r"insufficient permissions|no permissions",
        DeviceUnfit,
        "this user may not open the USB device",
        UDEV_RULE,
    ),
    (
        r"more than one device",
        DeviceUnfit,
        "several devices have this serial",
        "use a serial that only one device has",
    ),
    (
        r"^device offline|^device still (connecting|authorizing)",
        ConnectionLost,
        "the device is offline",
        "replug the device, or switch USB debugging off and on",
    ),
    (
        r"^device .*not found|^no devices",
        ConnectionLost,
        "adb does not list this device",
        "check the cable or the address, and what `adb devices` lists",
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


def transfer_failure(answer: Completed, what: str, serial: str) -> DeviceError:
    """Why adb ended a transfer: the device refused the file, or the connection broke."""
    # adb writes errors to stdout too, between lines of progress.
    complaints = _complaints(answer.stdout + b"\n" + answer.stderr)
    failure = _connection_failure(complaints, serial)
    if failure:
        return failure
    if not complaints:
        return ConnectionLost(f"{what}: the connection broke", device=serial)
    return TransferFailed(f"{what}: {ending(complaints[-1])}", device=serial)


def early_end(stderr: bytes, serial: str) -> DeviceError:
    """Why adb ended without the remote command's end marker."""
    failure = _connection_failure(_complaints(stderr), serial)
    if failure:
        return failure
    last = ending(stderr)
    return ConnectionLost(
        "the connection broke before the command's end" + (f": {last}" if last else ""), device=serial
    )


def _complaints(output: bytes) -> tuple[str, ...]:
    """The reasons in adb's own error lines, without file names, whose text could look like a reason."""
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
