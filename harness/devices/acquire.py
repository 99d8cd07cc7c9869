"""The one way to a device that is locked and open."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.devices.device import Device
from harness.devices.device_lock import hold_on_device
from harness.devices.host_lock import WAIT_S, hold_device
from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import HarnessError


@contextmanager
def acquire(
    target: Target,
    log: Callable[[str], None],
    cancelled: threading.Event | None = None,
    *,
    lock_device: bool = True,
    wait_s: float = WAIT_S,
) -> Iterator[Device]:
    """Lock and open a device; at the block's end it is closed and free again.

    The lock on this host keeps out other harnesses here, and the one on the device those on other hosts. A
    device that runs on this host needs only the former, which the operating system frees when its holder
    dies. `lock_device=False` leaves the lock on the device to its holder: for reporting or removing it. The
    host's lock is waited for as long as `wait_s`.

    Raises:
        DeviceUnfit: another harness kept the device for longer than `wait_s`, or the device cannot be used.
        TransportError: the device cannot be reached.
        Interrupted: `cancelled` was set while waiting for the device.
    """
    kind = KINDS[target.kind]
    with (
        _errors_by_name(target),
        hold_device(target, log, cancelled, wait_s=wait_s),
        kind.open(target, log) as device,
    ):
        if kind.runs_on_host or not lock_device:
            yield device
        else:
            with hold_on_device(device, log, cancelled) as held:
                yield held


@contextmanager
def _errors_by_name(target: Target) -> Iterator[None]:
    """Errors of the block call the device by its name; a transport knows only its address."""
    try:
        yield
    except HarnessError as error:
        error.name_device(target.address, target.name)
        raise
