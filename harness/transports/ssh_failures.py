"""What the messages of OpenSSH's client mean."""

import re

from harness.errors import ConnectionLost, DeviceError, DeviceUnfit
from harness.system.text import ending, last_line

_FAILURES: tuple[tuple[str, type[DeviceError], str, str], ...] = (
    (
        r"HOST IDENTIFICATION HAS CHANGED|host key .* has changed",
        DeviceUnfit,
        "the device's SSH host key is not the one known for it",
        "if the device was set up again, remove the old key with `ssh-keygen -R {known}` and connect once "
        "with `ssh {to}`; otherwise someone may be intercepting the connection",
    ),
    (
        r"Host key verification failed|No .* host key is known",
        DeviceUnfit,
        "the device's SSH host key is not known",
        "connect once with `ssh {to}` and compare the fingerprint it shows",
    ),
    (
        r"Permission denied|Too many authentication failures|No more authentication methods",
        DeviceUnfit,
        "the device does not accept this user's SSH keys (passwords are not asked for)",
        "install a key with `ssh-copy-id {to}`, or add it to the agent with `ssh-add`",
    ),
    (
        r"Could not resolve hostname",
        DeviceUnfit,
        "no host has this name",
        "check the name, or use its IP address",
    ),
    (
        r"Bad configuration option|no argument after keyword|Bad owner or permissions|unknown option",
        DeviceUnfit,
        "ssh does not accept its configuration",
        "fix what `ssh {to} true` complains about",
    ),
    (
        r"Connection refused",
        ConnectionLost,
        "no program listens on the device's SSH port",
        "switch SSH on there (Raspberry Pi: `sudo raspi-config nonint do_ssh 0`), or check the port",
    ),
    (
        r"timed out|No route to host|Network is unreachable|not responding",
        ConnectionLost,
        "the device does not answer",
        "check its power, network and address",
    ),
)


def failure(log: bytes, destination: str, port: int | None = None) -> DeviceError:
    """What ssh's own messages mean; the hints name the commands for this destination."""
    at_port = "" if port is None else f"-p {port} "
    host = destination.rpartition("@")[2]
    names = {"to": at_port + destination, "known": host if port in (None, 22) else f"'[{host}]:{port}'"}
    for pattern, kind, what, hint in _FAILURES:
        lines = [line for line in log.splitlines() if re.search(pattern.encode(), line)]
        if lines:
            return kind(f"{what}: {ending(lines[-1])}", device=destination, hint=hint.format_map(names))
    last = last_line(log)
    return ConnectionLost(
        "the SSH connection broke before the command's end" + (f": {last}" if last else ""),
        device=destination,
    )
