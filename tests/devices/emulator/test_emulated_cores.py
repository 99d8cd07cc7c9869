"""What the emulator says of its cores, against QEMU itself."""

import re
import subprocess

import pytest

from harness.devices.emulator.device import WITHOUT_HALF_PRECISION
from harness.devices.emulator.qemu import ensure_qemu

# Of glibc's own loader for ARM, which tells what the kernel, here QEMU, says of the CPU.
LOADER = "/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1"
# HWCAP_FPHP and HWCAP_ASIMDHP, Linux arch/arm64/include/uapi/asm/hwcap.h.
HALF_PRECISION = 1 << 9 | 1 << 10


@pytest.mark.parametrize("core", [*WITHOUT_HALF_PRECISION, "cortex-a76", "neoverse-n1", "max"])
def test_only_cores_that_lack_half_precision_are_listed_as_such(core: str) -> None:
    answer = subprocess.run(
        [*ensure_qemu(), "-cpu", core, LOADER, "--list-diagnostics"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    (hwcap,) = re.findall(r"^dl_hwcap=(0x[0-9a-f]+)$", answer.stdout, re.MULTILINE)
    has_it = int(hwcap, 16) & HALF_PRECISION == HALF_PRECISION
    assert has_it == (core not in WITHOUT_HALF_PRECISION)
