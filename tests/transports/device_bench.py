"""The machine that the transports are tested against, and how to reach it."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from chosen_system import SYSTEM
from harness.devices.arm_vm.machine import ArmVm
from harness.system.processes import run_local
from harness.transports.adb import AdbTransport
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.base import Transport
from harness.transports.ssh import SshTransport
from harness.transports.tcp_link import TcpLink

REMOTE = ("adb", "adb-direct") if SYSTEM.is_android else ("adb", "adb-direct", "ssh")


@dataclass(frozen=True)
class Bench:
    """The machine under test and how to reach it, at its own ports or at those of a proxy."""

    machine: ArmVm
    adb_environment: Mapping[str, str]

    def port(self, kind: str) -> int:
        """Of adbd or sshd; a test that needs the sshd that a machine like a phone lacks is skipped."""
        if kind == "ssh" and SYSTEM.is_android:
            pytest.skip("a machine like a phone has no sshd")
        return self.machine.ssh_port if kind == "ssh" else self.machine.adb_port

    def connect(self, kind: str, port: int | None = None, host: str = "127.0.0.1") -> Transport:
        port = port or self.port(kind)
        if kind == "adb":
            return AdbTransport(f"{host}:{port}", env=self.adb_environment)
        if kind == "adb-direct":
            return AdbDirectTransport(TcpLink(host, port), key=self.machine.adb_key)
        alias = ("-o", f"HostKeyAlias=[127.0.0.1]:{self.machine.ssh_port}")
        options = (*self.ssh_options(), *alias)
        return SshTransport(f"{self.machine.ssh_user}@{host}", port=port, options=options)

    def ssh_options(self, *, key: Path | None = None, known_hosts: Path | None = None) -> tuple[str, ...]:
        self.port("ssh")
        return (
            *("-F", "none", "-i", str(key or self.machine.ssh_key), "-o", "IdentitiesOnly=yes"),
            *("-o", f"UserKnownHostsFile={known_hosts or self.machine.known_hosts}"),
            *("-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes"),
        )


@contextmanager
def adb_server(home: Path, vendor_keys: str) -> Iterator[dict[str, str]]:
    """The environment of an adb server of its own: a server keeps the keys it once read."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "HOME": str(home),
        "ANDROID_ADB_SERVER_PORT": str(port),
        "ADB_SERVER_SOCKET": f"tcp:localhost:{port}",
        "ADB_VENDOR_KEYS": vendor_keys,
    }
    try:
        yield environment
    finally:
        run_local(["adb", "kill-server"], timeout_s=10, env=environment)
