"""Which system of the ARM machine the suites on real daemons run on; `HARNESS_ARM_VM` chooses another.

It holds what follows `arm-vm:` in a device's name, such as `android` or `pixel_6`. Tests that need root on
the machine, or its sshd, are skipped on one that is like a phone. Without the variable these suites run on
the kernel with pages of 16 KB, so that `make test` has seen it; all other tests boot that of 4 KB, and so do
these where the variable is empty.
"""

import os

import pytest

from harness.devices.arm_vm.system import System, parse_options

VARIABLE = "HARNESS_ARM_VM"
DEFAULT = "16k"


def _chosen() -> System:
    words = os.environ.get(VARIABLE, DEFAULT)
    options = parse_options(words)
    if options is None:
        raise pytest.UsageError(f"{VARIABLE}={words} is no system of arm-vm")
    return options[1]


SYSTEM = _chosen()
# The same kernel for tests that need root or sshd whatever is chosen.
WITH_ROOT = System(pages_16k=SYSTEM.pages_16k)
# Where adb's user may write.
WRITABLE = "/data/local/tmp" if SYSTEM.is_android else "/tmp"
