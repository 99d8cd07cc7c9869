"""What the messages of OpenSSH's client mean."""

import re
import shlex

from harness.errors import ConnectionLost, DeviceError, DeviceUnfit
from harness.system.text import ending, last_line

NO_SUCH_HOST = "no host has this name"
_FAILURES: tuple[tuple[str, type[DeviceError], str, str], ...] = (
    (
        r"HOST IDENTIFICATION HAS CHANGED|[Hh]ost key .* has changed",
        DeviceUnfit,
        "the device's SSH host key is not the one known for it",
        "if the device was set up again, remove the old key with `{remove_key}` and connect once "
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
        NO_SUCH_HOST,
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

_ENDED_BEFORE = rb"^kex_exchange_identification: |UNKNOWN port 65535"


def failure(log: bytes, destination: str, port: int | None = None) -> DeviceError:
    """What ssh's own messages mean; the hints name the commands for this destination."""
    at_port = () if port is None else ("-p", str(port))
    names = {
        "to": shlex.join((*at_port, destination)),
        "remove_key": shlex.join(_remove_key_argv(log, destination, port)),
    }
    for pattern, kind, what, hint in _FAILURES:
        lines = [line for line in log.splitlines() if re.search(pattern.encode(), line)]
        if lines and what == NO_SUCH_HOST and re.search(r"[^:]:[0-9]+$", destination):
            hint = "give a port in ~/.ssh/config, or as port = 2222 in devices.toml; it is not part of a name"
        if lines:
            return kind(f"{what}: {ending(lines[-1])}", device=destination, hint=hint.format_map(names))
    # Of a jump host or a proxy command that ends, ssh itself says no more than these two lines.
    said = b"\n".join(line for line in log.splitlines() if not re.search(_ENDED_BEFORE, line))
    last = last_line(said) or last_line(log)
    return ConnectionLost(
        "the SSH connection broke before the command's end" + (f": {last}" if last else ""),
        device=destination,
        hint=f"try `ssh {names['to']} true`",
    )


def _remove_key_argv(log: bytes, destination: str, port: int | None) -> tuple[str, ...]:
    """The command that removes a host's old key, with the name and the file that ssh itself reports.

    The user's configuration may give another name, port or file than the harness knows of.
    """
    reported = re.search(rb"Host key for (\S+) has changed", log)
    file = re.search(rb"Offending \S+ key in (.+):\d+", log)
    host = destination.rpartition("@")[2]
    known = host if port in (None, 22) else f"[{host}]:{port}"
    if reported:
        known = reported[1].decode("utf-8", "replace")
    named = ("-f", file[1].decode("utf-8", "replace")) if file else ()
    return ("ssh-keygen", *named, "-R", known)
