"""The kind `host`: this machine, in a separate runner process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.devices.device import Device, describe
from harness.devices.device_kind import DeviceKind
from harness.devices.target import Target
from harness.system.paths import cache_folder
from harness.transports.local import LocalTransport


@contextmanager
def open_host(target: Target, _log: Callable[[str], None]) -> Iterator[Device]:
    """Yield this machine as a device."""
    folder = target.folder or str(cache_folder() / "devices" / "host")
    transport = LocalTransport()
    info, free_bytes = describe(transport, name=target.name, kind=HOST.name, folder=folder)
    yield Device(info, transport, folder, LocalTransport, target.launcher, free_bytes=free_bytes)


HOST = DeviceKind(
    name="host",
    runs_on_host=True,
    open=open_host,
    built_in=Target(name="host", kind="host", transport="local"),
)
