"""All kinds of devices, by name; a new one is a file that exports its `DeviceKind`, and an entry here."""

from harness.devices.android import ANDROID
from harness.devices.arm_vm.device import ARM_VM, ARM_VM_ANDROID
from harness.devices.device_kind import DeviceKind
from harness.devices.emulator.device import EMULATOR
from harness.devices.host import HOST
from harness.devices.linux_board import LINUX_BOARD

KINDS: dict[str, DeviceKind] = {
    "host": HOST,
    "emulator": EMULATOR,
    "arm_vm": ARM_VM,
    "arm_vm_android": ARM_VM_ANDROID,
    "android": ANDROID,
    "linux_board": LINUX_BOARD,
}
