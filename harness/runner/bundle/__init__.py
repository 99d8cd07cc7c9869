"""What is pushed to a device, and QEMU with its instruction counter: made when missing, cached.

A bundle is a folder per ABI: the runner, ExecuTorch's libraries from its wheel, glibc with its own loader,
the shell scripts, and `SHA256SUMS`. One arm64 bundle runs on Android and on any 64-bit ARM Linux.
"""

from harness.devices.emulator.instruction_counter import ensure_instruction_counter
from harness.devices.emulator.qemu import ensure_qemu, qemu_cores, qemu_version
from harness.runner.bundle.build import ensure_bench_bundle, ensure_bundle
from harness.runner.bundle.contents import ABIS, Bundle, BundleFile
from harness.runner.bundle.exchange import export_bundles, import_bundles

__all__ = [
    "ABIS",
    "Bundle",
    "BundleFile",
    "ensure_bench_bundle",
    "ensure_bundle",
    "ensure_instruction_counter",
    "ensure_qemu",
    "export_bundles",
    "import_bundles",
    "qemu_cores",
    "qemu_version",
]
