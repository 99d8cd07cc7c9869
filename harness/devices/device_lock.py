"""A lock on the device itself: it keeps out harnesses of other machines."""

import contextlib
import getpass
import os
import platform
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness.devices.device import Device
from harness.errors import DeviceBusy, DeviceError, Interrupted
from harness.system.processes import Completed, process_start
from harness.system.text import printable
from harness.transports.verified import run_verified

WAIT_S = 600.0
ASK_AGAIN_S = 5.0
# Starting a process on the device renews the lock, so a live holder does it every few minutes.
STALE_MINUTES = 30
COMMAND_TIMEOUT_S = 60

# Renewed by the device's uptime, which no setting of its clock changes: a Raspberry Pi without a battery
# starts in the past and jumps to today. Where the uptime is unreadable, the folder's time is used. $1 folder.
RENEW = 'cat /proc/uptime 2>/dev/null >"$1/lock/renewed" || touch -c "$1/lock"'
# Sets $old when the lock was not renewed for $3 minutes, or has an uptime that the device has not reached
# yet: that of an earlier boot. A lock without an uptime, as of a harness killed while taking it, gets one.
_AGE = f"""
old=
now=$(cat /proc/uptime 2>/dev/null)
now=${{now%%.*}}
then=$(cat "$1/lock/renewed" 2>/dev/null)
then=${{then%%.*}}
case $now in
'' | *[!0-9]*) old=$(find "$1/lock" -prune -mmin +"$3" 2>/dev/null) ;;
*)
    case $then in
    '' | *[!0-9]* | ???????????*) {RENEW} ;;
    *) [ "$now" -ge "$then" ] && [ $((now - then)) -le $(($3 * 60)) ] || old=yes ;;
    esac
    ;;
esac
"""
# $1 folder, $2 our claim, $3 minutes. mkdir is atomic everywhere; our own claim there is a repeated command.
_TAKE = f"""
mkdir -p "$1" || exit 1
if mkdir "$1/lock" 2>/dev/null; then
    printf '%s\\n' "$2" > "$1/lock/holder" && {{ {RENEW}; }} && echo taken && exit
    rm -rf "$1/lock"
    exit 1
fi
held=$(cat "$1/lock/holder" 2>/dev/null)
if [ "$held" = "$2" ]; then echo taken; exit; fi
{_AGE}
if [ -n "$old" ]; then echo "old $held"; else echo "held $held"; fi
"""
# $2 the claim found stale, $3 our token: the lock is moved away only while it is still that one.
_BREAK = """
[ "$(cat "$1/lock/holder" 2>/dev/null)" = "$2" ] && mv "$1/lock" "$1/lock.$3" && rm -rf "$1/lock.$3"
"""
_RELEASE = '[ "$(cat "$1/lock/holder" 2>/dev/null)" = "$2" ] && rm -rf "$1/lock"'
# token, the device's boot, the holder's machine, process number there and when it started, and who in words
_CLAIM = re.compile(
    r"(?P<token>[0-9a-f]{16}) (?P<boot_id>\S+) (?P<machine>\S+) "
    r"(?P<pid>[0-9]{1,9})(@(?P<started>[0-9]{1,20}))? (?P<who>.{1,200})"
)


@contextmanager
def hold_on_device(
    device: Device,
    log: Callable[[str], None],
    cancelled: threading.Event | None = None,
    *,
    wait_s: float = WAIT_S,
) -> Iterator[Device]:
    """Hold the device, which then knows its claim; wait while another harness holds it, and log which.

    A lock is stale when the device was restarted since, when its holder was a process of this machine
    that is gone, or when nothing was started on the device for half an hour of its uptime; that of a process
    of this machine that runs is never stale.

    Raises:
        DeviceBusy: the device was not free within `wait_s`.
        CommandFailed: the lock cannot be written.
        Interrupted: `cancelled` was set.
    """
    token = secrets.token_hex(8)
    claim = f"{token} {device.info.boot_id or '-'} {_machine()} {_process()} {_who()}"
    deadline = time.monotonic() + wait_s
    answer = ""
    while holder := _take(device, claim, token):
        if time.monotonic() > deadline:
            raise DeviceBusy(
                f"{holder} is using the device",
                device=device.info.name,
                hint="wait for that run to end, or stop it; `harness devices --clean NAME` removes its lock",
            )
        if holder != answer:
            log(f"waiting for {holder}, which is using the device")
            answer = holder
        wait_again(cancelled, ASK_AGAIN_S, device.info.name)
    try:
        yield replace(device, claim=claim)
    finally:
        # A device that cannot be reached keeps the lock, which goes stale.
        with contextlib.suppress(DeviceError):
            _run(device, _RELEASE, claim)


def wait_again(cancelled: threading.Event | None, seconds: float, device: str) -> None:
    """Wait before trying again; raises Interrupted as soon as `cancelled` is set."""
    if (cancelled or threading.Event()).wait(seconds):
        raise Interrupted("interrupted", device=device)


def find_holder(device: Device) -> str | None:
    """Which harness holds the device now; None when none does that still runs."""
    argv = ["cat", f"{device.folder}/lock/holder"]
    answer = device.transport.run(argv, timeout_s=COMMAND_TIMEOUT_S)
    held = _CLAIM.fullmatch(answer.text.strip())
    return printable(held["who"]) if held and not _is_stale(held, device) else None


def _who() -> str:
    user, host = (re.sub(r"\s", "_", printable(name)) for name in (getpass.getuser(), platform.node()))
    return f"process {os.getpid()} of {user} on {host or 'a machine without a name'}"


def _process() -> str:
    """This process: its number, and when it started where that can be read."""
    started = process_start(os.getpid())
    return f"{os.getpid()}@{started}" if started else str(os.getpid())


def _machine() -> str:
    """Where a process number is valid: one boot of a machine, and in it one PID namespace (a container's)."""
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot_id}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        # Then no process of another harness is ever considered dead.
        return secrets.token_hex(8)


def _take(device: Device, claim: str, token: str) -> str | None:
    """None when this harness holds the device now, else which does; a stale lock is removed first."""
    for _ in range(2):
        answer = _run(device, _TAKE, claim, str(STALE_MINUTES)).check(device.info.name).text.strip()
        if answer == "taken":
            return None
        age, _, line = answer.partition(" ")
        held = _CLAIM.fullmatch(line)
        stale = _is_stale(held, device) if held else None
        if not (age == "old" if stale is None else stale):
            break
        _run(device, _BREAK, line, token)
    return printable(held["who"]) if held else "another harness"


def _is_stale(held: re.Match[str], device: Device) -> bool | None:
    """Whether the holder is gone; None where only the lock's age can decide."""
    if device.info.boot_id and held["boot_id"] not in ("-", device.info.boot_id):
        return True
    if held["machine"] != _machine():
        return None
    if held["started"]:
        return process_start(int(held["pid"])) != held["started"]
    return None if Path(f"/proc/{held['pid']}").exists() else True


def _run(device: Device, script: str, *words: str) -> Completed:
    argv = ["sh", "-c", script, "lock", device.folder, *words]
    return run_verified(device.transport, argv, timeout_s=COMMAND_TIMEOUT_S)
