"""The real daemons that the transports are tested against: adbd and sshd of one booted `arm-vm`."""

import itertools
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from device_bench import REMOTE, Bench, adb_server

from chosen_system import SYSTEM, WRITABLE
from harness.devices.arm_vm.machine import ArmVm, boot
from harness.devices.device import Device, describe
from harness.runner.bundle import ensure_bundle
from harness.runner.deploy import deploy_bundle
from harness.transports import reconnecting
from harness.transports.base import Transport
from harness.transports.local import LocalTransport
from harness.transports.reconnecting import ReconnectingTransport


@pytest.fixture(scope="session")
def arm_vm_plain() -> Iterator[ArmVm]:
    """A machine in real time: in virtual time the network is slow and time-outs mean nothing."""
    with boot(virtual_time=False, system=SYSTEM) as machine:
        yield machine


@pytest.fixture(scope="session")
def adb_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server that knows no device's key."""
    with adb_server(tmp_path_factory.mktemp("adb-home"), "") as environment:
        yield environment


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine on which nobody listens, while the test runs."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@pytest.fixture(scope="session")
def bench(arm_vm_plain: ArmVm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with adb_server(tmp_path_factory.mktemp("adb-home"), str(arm_vm_plain.adb_key)) as environment:
        yield Bench(arm_vm_plain, environment)


@pytest.fixture(scope="session")
def administrator(bench: Bench) -> Iterator[Transport]:
    """Who may mount: the ssh user, through sudo."""
    if SYSTEM.is_android:
        pytest.skip("nobody is root on a machine like a phone")
    transport = bench.connect("ssh")
    yield transport
    transport.close()


@pytest.fixture(scope="session")
def tiny_disk(administrator: Transport) -> str:
    """A file system of 256 KiB that everybody may write to."""
    script = "mkdir -p /run/tiny && mount -t tmpfs -o size=256k,mode=1777 tmpfs /run/tiny"
    administrator.run(["sudo", "sh", "-c", script], timeout_s=30).check()
    return "/run/tiny"


@pytest.fixture(scope="session")
def read_only_disk(administrator: Transport) -> str:
    """A file system that nobody may write to."""
    script = "mkdir -p /run/ro && mount -t tmpfs -o ro,mode=1777 tmpfs /run/ro"
    administrator.run(["sudo", "sh", "-c", script], timeout_s=30).check()
    return "/run/ro"


@pytest.fixture(scope="session")
def bundle_folder(bench: Bench) -> str:
    """A folder of everybody's on the machine that has the runner already."""
    folder = f"{WRITABLE}/shared"
    transport = bench.connect("adb-direct")
    transport.run(["mkdir", "-m", "777", folder], timeout_s=30).check()
    info, _ = describe(transport, name="arm-vm", kind="arm_vm", folder=folder)
    device = Device(info, transport, folder, lambda: transport)
    deploy_bundle(device, ensure_bundle("arm64-v8a"), lambda line: None)
    transport.run(["chmod", "-R", "a+w", folder], timeout_s=30).check()
    transport.close()
    return folder


@pytest.fixture(scope="session")
def transports() -> Iterator[dict[str, Transport]]:
    """The open connections, by kind."""
    opened: dict[str, Transport] = {}
    yield opened
    for transport in opened.values():
        transport.close()


@pytest.fixture(params=["local", "reconnecting", *REMOTE])
def transport(
    request: pytest.FixtureRequest, transports: dict[str, Transport], monkeypatch: pytest.MonkeyPatch
) -> Transport:
    """Each way of reaching a device in turn; the remote ones end on the ARM machine, the others here."""
    kind: str = request.param
    if kind == "local":
        return LocalTransport()
    if kind == "reconnecting":
        monkeypatch.setattr(reconnecting, "PATIENCE_S", 3)
        return ReconnectingTransport(LocalTransport(), lambda line: None)
    if kind not in transports:
        transports[kind] = request.getfixturevalue("bench").connect(kind)
    return transports[kind]


_NUMBERS = itertools.count()


@pytest.fixture
def folder(transport: Transport, tmp_path: Path) -> str:
    """An empty folder on the device."""
    if transport.name == "local":
        return str(tmp_path)
    path = f"{WRITABLE}/transports-{transport.name}-{next(_NUMBERS)}"
    transport.run(["mkdir", "-p", path], timeout_s=30).check()
    return path
