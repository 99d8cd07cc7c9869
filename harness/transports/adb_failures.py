"""What the error lines of Google's adb mean."""

import re

from harness.errors import ConnectionLost, DeviceError, DeviceUnfit

_FAILURES: tuple[tuple[str, type[DeviceError], str, str], ...] = (
    (
        r"unauthorized",
        DeviceUnfit,
        "the device has not accepted this computer's key",
        "unlock it and answer 'Allow USB debugging?' with 'Always allow'",
    ),
    (
        r"no permissions",
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
        r"offline|still (connecting|authorizing)",
        ConnectionLost,
        "the device is offline",
        "replug it, or switch USB debugging off and on",
    ),
    (
        r"not found|no devices",
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
        r"closed|connection reset|broken pipe|read failed|write failed|device disconnected|connect failed",
        ConnectionLost,
        "the connection to the device broke",
        "check the cable or network",
    ),
)


def connection_failure(stderr: bytes, serial: str) -> DeviceError | None:
    """What adb's own error line means, if it is about the connection."""
    text = stderr.decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if re.match(r"(adb: )?error: |adb: |\* ", line)]
    for pattern, kind, what, mend in _FAILURES:
        if any(re.search(pattern, line, re.IGNORECASE) for line in lines):
            return kind(what, device=serial, mend=mend)
    return None


def early_end(stderr: bytes, serial: str) -> DeviceError:
    """Why adb ended without the remote command's last word."""
    known = connection_failure(stderr, serial)
    if known:
        return known
    said = stderr.decode("utf-8", "replace").strip()[-300:]
    return ConnectionLost(
        "the connection broke before the command's end" + (f": {said!r}" if said else ""), device=serial
    )
