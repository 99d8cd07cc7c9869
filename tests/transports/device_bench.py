"""The machine that the transports are tested against, and how to reach it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.devices.arm_vm import ArmVm
from harness.transports.adb import AdbTransport
from harness.transports.adb_direct import AdbDirectTransport
from harness.transports.base import Transport
from harness.transports.ssh import SshTransport
from harness.transports.tcp_link import TcpLink

REMOTE = ("adb", "adb-direct", "ssh")


@dataclass(frozen=True)
class Bench:
    """The machine under test and how to reach it, at its own ports or at those of a proxy."""

    machine: ArmVm
    adb_environment: Mapping[str, str]

    def port(self, kind: str) -> int:
        return self.machine.ssh_port if kind == "ssh" else self.machine.adb_port

    def connect(self, kind: str, port: int | None = None) -> Transport:
        port = port or self.port(kind)
        if kind == "adb":
            return AdbTransport(f"127.0.0.1:{port}", env=self.adb_environment)
        if kind == "adb-direct":
            return AdbDirectTransport(TcpLink("127.0.0.1", port), key=self.machine.adb_key)
        return SshTransport(f"{self.machine.ssh_user}@127.0.0.1", port=port, options=self.ssh_options())

    def ssh_options(self, *, key: Path | None = None, known_hosts: Path | None = None) -> tuple[str, ...]:
        return (
            *("-F", "none", "-i", str(key or self.machine.ssh_key), "-o", "IdentitiesOnly=yes"),
            *("-o", f"UserKnownHostsFile={known_hosts or self.machine.known_hosts}"),
            *("-o", "GlobalKnownHostsFile=none", "-o", "StrictHostKeyChecking=yes"),
        )
