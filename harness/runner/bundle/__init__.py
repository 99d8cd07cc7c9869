"""The files that are pushed to a device so that it can run programs: installed or built, then cached.

A bundle is a folder per ABI: the runner, ExecuTorch's libraries from its wheel, glibc with its own loader,
the shell scripts, and `SHA256SUMS`. One arm64 bundle runs on Android and on any 64-bit ARM Linux.
"""

from harness.runner.bundle.build import ensure_bench_bundle
from harness.runner.bundle.contents import ABIS, Bundle, BundleFile
from harness.runner.bundle.exchange import export_bundles, import_bundles
from harness.runner.bundle.installed import ensure_bundle
from harness.runner.bundle.runtimes import ensure_runtime_bundle

__all__ = [
    "ABIS",
    "Bundle",
    "BundleFile",
    "ensure_bench_bundle",
    "ensure_bundle",
    "ensure_runtime_bundle",
    "export_bundles",
    "import_bundles",
]
