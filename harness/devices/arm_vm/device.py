"""The kind `arm_vm`: the ARM machine under virtual time, over its adbd (by either transport) or its sshd."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.devices.android import ADB, FOLDER
from harness.devices.arm_vm.machine import NAME, QEMU, ArmVm, boot, check_qemu
from harness.devices.device import Device, describe
from harness.devices.device_kind import DeviceKind, Program
from harness.devices.linux_board import SSH, home_folder
from harness.devices.target import Target
from harness.system.processes import run_local
from harness.transports.adb import AdbTransport, find_adb
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.base import Transport
from harness.transports.reconnecting import ReconnectingTransport
from harness.transports.ssh import SshTransport
from harness.transports.tcp_link import TcpLink

ADB_SERVER_TIMEOUT_S = 30
TRANSPORTS = ("adb-direct", "adb", "ssh")
PAGES_16K = "16k"


def parse_name(name: str) -> Target | None:
    """The machine by the transport in a name such as `arm-vm:ssh`, or with the kernel in `arm-vm:16k`."""
    kind, _, option = name.partition(":")
    if kind != NAME:
        return None
    if option == PAGES_16K:
        return Target(name=name, kind="arm_vm", transport=TRANSPORTS[0], address=PAGES_16K)
    return Target(name=name, kind="arm_vm", transport=option) if option in TRANSPORTS else None


@contextmanager
def open_arm_vm(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    """Boot the machine, yield it, and stop it; `target` names its daemon and, as address, its kernel."""
    pages_16k = target.address == PAGES_16K
    with boot(virtual_time=True, pages_16k=pages_16k, log=log) as machine, ExitStack() as stack:
        adb_environment = stack.enter_context(_own_adb_server(machine)) if target.transport == "adb" else {}

        def connect() -> Transport:
            return ReconnectingTransport(_connect(machine, target.transport, adb_environment), log)

        transport = connect()
        stack.callback(transport.close)
        over_ssh = target.transport == "ssh"
        folder = target.folder or (home_folder(transport, target.name) if over_ssh else FOLDER)
        info, free_bytes = describe(
            transport, name=target.name, kind=ARM_VM.name, folder=folder, clock="virtual"
        )
        yield Device(info, transport, folder, connect, target.launcher, free_bytes=free_bytes)


def _connect(machine: ArmVm, transport: str, adb_environment: dict[str, str]) -> Transport:
    if transport == "ssh":
        options = ("-i", str(machine.ssh_key), "-o", "IdentitiesOnly=yes")
        known_hosts = ("-o", f"UserKnownHostsFile={machine.known_hosts}", "-o", "StrictHostKeyChecking=yes")
        return SshTransport(
            f"{machine.ssh_user}@127.0.0.1", port=machine.ssh_port, options=(*options, *known_hosts)
        )
    if transport == "adb":
        return AdbTransport(f"127.0.0.1:{machine.adb_port}", env=adb_environment)
    return AdbDirectTransport(TcpLink("127.0.0.1", machine.adb_port), key=machine.adb_key)


@contextmanager
def _own_adb_server(machine: ArmVm) -> Iterator[dict[str, str]]:
    """The environment of a separate adb server, which knows only the machine's key and ends afterwards."""
    with tempfile.TemporaryDirectory(prefix="harness-adb-") as home:
        # A socket in a file instead of a port: no other program can take or scan it.
        environment = {
            "HOME": home,
            "ADB_VENDOR_KEYS": str(machine.adb_key),
            "ADB_SERVER_SOCKET": f"localfilesystem:{Path(home) / 'adb'}",
        }
        try:
            yield environment
        finally:
            if adb := find_adb():
                run_local([adb, "kill-server"], timeout_s=ADB_SERVER_TIMEOUT_S, env=environment)


ARM_VM = DeviceKind(
    name="arm_vm",
    runs_on_host=True,
    clock="virtual",
    open=open_arm_vm,
    check=lambda _target: check_qemu(),
    built_in=Target(name=NAME, kind="arm_vm", transport=TRANSPORTS[0]),
    parse=parse_name,
    name_forms=tuple(f"{NAME}:{option}" for option in (*TRANSPORTS, PAGES_16K)),
    programs=(Program(QEMU, "qemu-system-arm", f"the device `{NAME}` needs"), ADB, SSH),
)
