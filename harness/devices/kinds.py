"""The kinds of devices, and how each is opened."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from harness.devices.android import check_state, open_android
from harness.devices.arm_vm.device import open_arm_vm
from harness.devices.arm_vm.machine import check_qemu
from harness.devices.device import Device
from harness.devices.emulator.device import DEFAULT_CORE, check_core, open_emulator
from harness.devices.host import open_host
from harness.devices.inventory import attached
from harness.devices.linux_board import open_raspberry_pi
from harness.devices.target import Target

KINDS = {
    "host": open_host,
    "emulator": open_emulator,
    "arm_vm": open_arm_vm,
    "android": open_android,
    "raspberry_pi": open_raspberry_pi,
}


def check_target(target: Target) -> None:
    """Refuse what can be known to be wrong before anything is lowered, built or pushed."""
    if target.kind == "emulator":
        check_core(target.address or DEFAULT_CORE)
    elif target.kind == "arm_vm":
        check_qemu()
    elif target.kind == "android" and target.transport == "adb":
        for device in attached():
            if device.serial == target.address:
                check_state(device)


def open_device(target: Target, log: Callable[[str], None]) -> AbstractContextManager[Device]:
    """Connect to a device (or boot it) and close it again at the end; `tell` hears what takes long."""
    return KINDS[target.kind](target, log)
