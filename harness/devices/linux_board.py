"""The kind `linux_board`: Raspberry Pis and other 64-bit Linux boards, over SSH."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from harness.devices.device import Device, describe
from harness.devices.device_kind import DeviceKind, Program
from harness.devices.target import ADDRESS_PATTERN, Target
from harness.errors import DeviceUnfit, UsageError
from harness.transports.base import Transport
from harness.transports.reconnecting import ReconnectingTransport
from harness.transports.ssh import SshTransport

FOLDER_IN_HOME = ".cache/mobilenet-harness"
SSH = Program("ssh", "openssh-client", "Raspberry Pis and other boards need", transports=("ssh",))


def parse_name(name: str) -> Target | None:
    """The board of a name such as `ssh:pi@raspberrypi`.

    Raises:
        UsageError: what follows `ssh:` is no destination.
    """
    if not name.startswith("ssh:"):
        return None
    address = name.removeprefix("ssh:")
    if not re.fullmatch(ADDRESS_PATTERN, address):
        raise UsageError(f"{address!r} is not an SSH destination", hint="for example ssh:pi@raspberrypi")
    return Target(name=name, kind="linux_board", transport="ssh", address=address)


@contextmanager
def open_linux_board(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    """Yield a board reached by OpenSSH's client, with the user's own configuration."""

    def connect() -> Transport:
        return ReconnectingTransport(SshTransport(target.address, port=target.port), log)

    transport = connect()
    try:
        folder = target.folder or home_folder(transport, target.name)
        info, free_bytes = describe(transport, name=target.name, kind=LINUX_BOARD.name, folder=folder)
        glibc = system_glibc(transport, target.name) if target.libc == "system" else None
        if glibc:
            info = msgspec.structs.replace(info, libc=f"system glibc {glibc[0]}.{glibc[1]}")
        yield Device(
            *(info, transport, folder, connect, target.launcher),
            free_bytes=free_bytes,
            system_glibc=glibc,
        )
    finally:
        transport.close()


def home_folder(transport: Transport, name: str) -> str:
    """The default folder on the board: in the user's home, because every user may write to /tmp."""
    home = transport.run(["sh", "-c", 'printf %s "$HOME"'], timeout_s=30).check(name).text
    if not home.startswith("/"):
        raise DeviceUnfit(
            "the SSH user has no home folder", device=name, hint='set folder = "…" in devices.toml'
        )
    return f"{home.rstrip('/')}/{FOLDER_IN_HOME}"


def system_glibc(transport: Transport, name: str) -> tuple[int, int]:
    """The version of the device's own C library.

    Raises:
        DeviceUnfit: the C library is not glibc.
    """
    answer = transport.run(["getconf", "GNU_LIBC_VERSION"], timeout_s=30)
    version = re.fullmatch(r"glibc ([0-9]{1,3})\.([0-9]{1,3})\s*", answer.text)
    if answer.exit_code != 0 or not version:
        raise DeviceUnfit(
            "the device's C library is not glibc",
            device=name,
            hint='remove libc = "system" from devices.toml',
        )
    return int(version[1]), int(version[2])


LINUX_BOARD = DeviceKind(
    name="linux_board",
    runs_on_host=False,
    open=open_linux_board,
    parse=parse_name,
    transports=("ssh",),
    aliases=("raspberry_pi",),
    has_own_glibc=True,
    programs=(SSH,),
)
