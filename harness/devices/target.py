"""A device that was named and found, but not yet touched."""

import re
from dataclasses import dataclass
from typing import Literal

Libc = Literal["bundled", "system"]

# No leading dash: an address must never be read as an option. Nothing that a shell would expand: ssh puts
# host names into a ProxyCommand as they are (CVE-2023-51385).
ADDRESS_PATTERN = r"""^[A-Za-z0-9\[][^\x00-\x20\x7f$`;&|<>(){}*?!'"\\]{0,254}\Z"""
USB = re.compile(r"usb(:|$)")


@dataclass(frozen=True)
class Target:
    """Where a device is and how to reach it.

    `kind` is a name in `kinds.KINDS`. `address` is an ADB serial, `host:port`, an SSH destination, or the
    emulator's core. `folder` is empty for the kind's default. `launcher` is put before the runner. `libc`
    chooses the C library that the runner uses. `cores` are those to run on unless the run names others: a
    cluster's name or a CPU list; empty for any.
    """

    name: str
    kind: str
    transport: str
    address: str = ""
    folder: str = ""
    launcher: tuple[str, ...] = ()
    port: int | None = None
    tags: tuple[str, ...] = ()
    libc: Libc = "bundled"
    cores: str = ""
