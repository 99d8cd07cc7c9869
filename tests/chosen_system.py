"""Which system of the ARM machine the suites on real daemons run on; `HARNESS_ARM_VM` chooses another.

It holds what follows `arm-vm:` in a device's name, such as `android` or `pixel_6`. Tests that need root on
the machine, or its sshd, are skipped on one that is like a phone.
"""

import os

import pytest

from harness.devices.arm_vm.system import System, parse_options

VARIABLE = "HARNESS_ARM_VM"


def _chosen() -> System:
    words = os.environ.get(VARIABLE, "")
    options = parse_options(words)
    if options is None:
        raise pytest.UsageError(f"{VARIABLE}={words} is no system of arm-vm")
    return options[1]


SYSTEM = _chosen()
# Where adb's user may write.
WRITABLE = "/data/local/tmp" if SYSTEM.is_android else "/tmp"
