"""The record that a kind of device is: each kind's file exports one, and `kinds.py` lists them."""

import shutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from harness.devices.device import Device
from harness.devices.target import Target
from harness.records import Clock
from harness.system.platforms import require_linux

# `advice`: measurements are valid, and better once it is followed; `unfit`: they are invalid or impossible.
Level = Literal["ok", "advice", "unfit"]
# What was checked, level, detail, fix.
Check: TypeAlias = tuple[str, Level, str, str]


@dataclass(frozen=True)
class Program:
    """A program of this machine, from Debian's `package`, that some devices need.

    `needed_by` completes the sentence "not installed; … it". `transports` are those that need the program;
    empty when every device of the kind does. `find` looks where PATH does not lead.
    """

    name: str
    package: str
    needed_by: str
    transports: tuple[str, ...] = ()
    find: Callable[[], str | None] | None = None

    def path(self) -> str | None:
        """Where the program is; None when it is not installed."""
        return self.find() if self.find else shutil.which(self.name)


def _nothing_to_check(_target: Target) -> None:
    """Of some kinds nothing can be known to be wrong before they are opened."""


def _no_name(_name: str) -> Target | None:
    return None


def _no_checks(_device: Device) -> Iterable[Check]:
    return ()


@dataclass(frozen=True, kw_only=True)
class DeviceKind:
    """One kind of device: how its devices are named, checked and opened, and what the doctor looks at.

    Devices that run on this host (`runs_on_host`) disturb each other; `clock` is what a nanosecond means on
    them. `open` connects to a device or boots it, and closes it at the end; it logs what takes long. `check`
    refuses what can be known to be wrong before anything is lowered, built or pushed.

    Names: `built_in` is a device that needs no configuration; `parse` gives the device of any further name
    such as `emulator:CORE`, or None; `name_forms` are examples of these for hints. `devices.toml` may choose
    one of `transports`, by default the first; a kind without any cannot be configured there. `aliases` are
    former names of the kind in that file. `has_own_glibc`: `libc = "system"` is allowed.

    Doctor: `programs` of this machine, further `examine` checks of an open device, and the commands that fix
    frequencies that follow the load and hardware counters that are not permitted.
    """

    name: str
    runs_on_host: bool
    open: Callable[[Target, Callable[[str], None]], AbstractContextManager[Device]]
    clock: Clock = "real"
    check: Callable[[Target], None] = _nothing_to_check
    built_in: Target | None = None
    parse: Callable[[str], Target | None] = _no_name
    name_forms: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    has_own_glibc: bool = False
    has_dumpsys: bool = False
    programs: tuple[Program, ...] = ()
    examine: Callable[[Device], Iterable[Check]] = _no_checks
    governor_fix: str = "echo performance | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
    counters_fix: str = "sudo sysctl kernel.perf_event_paranoid=2"

    def refuse_unusable(self, target: Target) -> None:
        """Refuse a device that can be known not to work, without touching it.

        Raises:
            UsageError, DeviceUnfit: this machine cannot run or reach such a device.
        """
        if self.runs_on_host:
            require_linux(
                f"the device {target.name}, which runs on this machine,",
                hint="measure a device over adb or SSH: harness devices lists them",
            )
        self.check(target)
