"""The kind `arm_vm`: the ARM machine under virtual time, over its adbd (by either transport) or its sshd."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from harness.devices.android import ADB, ANDROID, FOLDER
from harness.devices.arm_vm.building import NAME
from harness.devices.arm_vm.machine import QEMU, ArmVm, boot, check_qemu
from harness.devices.arm_vm.system import PAGES_16K, TRANSPORTS, System, parse_options
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


def parse_name(name: str) -> Target | None:
    """The machine by the words of a name such as `arm-vm:ssh`, `arm-vm:16k` or `arm-vm:android:adb`."""
    kind, _, words = name.partition(":")
    options = parse_options(words) if kind == NAME and words else None
    if options is None:
        return None
    transport, system = options
    kind = ARM_VM_ANDROID.name if system.is_android else ARM_VM.name
    return Target(name=name, kind=kind, transport=transport)


@contextmanager
def open_arm_vm(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    """Boot the machine, yield it, and stop it; `target` names its daemon and its system."""
    options = parse_options(target.name.partition(":")[2])
    system = options[1] if options else System()
    with boot(virtual_time=True, system=system, log=log) as machine, ExitStack() as stack:
        adb_environment = stack.enter_context(_own_adb_server(machine)) if target.transport == "adb" else {}

        def connect() -> Transport:
            return ReconnectingTransport(_connect(machine, target.transport, adb_environment), log)

        transport = connect()
        stack.callback(transport.close)
        over_ssh = target.transport == "ssh"
        folder = target.folder or (home_folder(transport, target.name) if over_ssh else FOLDER)
        info, free_bytes = describe(
            transport, name=target.name, kind=target.kind, folder=folder, clock=ARM_VM.clock
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
    # Not the phones whose cores it imitates for tests.
    name_forms=tuple(f"{NAME}:{one}" for one in (*TRANSPORTS, PAGES_16K, "android", "android:adb")),
    programs=(Program(QEMU, "qemu-system-arm", f"the device `{NAME}` needs"), ADB, SSH),
)
# With Android's programs, so the doctor asks them, and memory is read by dumpsys too.
ARM_VM_ANDROID = replace(
    ARM_VM,
    name="arm_vm_android",
    built_in=None,
    parse=lambda _name: None,
    name_forms=(),
    has_dumpsys=True,
    examine=ANDROID.examine,
    governor_fix=ANDROID.governor_fix,
    counters_fix=ANDROID.counters_fix,
)
