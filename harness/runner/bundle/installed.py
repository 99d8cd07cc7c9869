"""Bundles that were installed with pip: the package mobilenet-harness-runner, for hosts without a compiler.

It holds the file of `harness bundle export`, the digest of that file, and the key of what it was built from.
`make runner-wheel` makes it.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BundleError, UsageError
from harness.records import Abi
from harness.runner.bundle import build
from harness.runner.bundle.build import bundle_key, find_placed
from harness.runner.bundle.contents import Bundle
from harness.runner.bundle.exchange import import_bundles
from harness.system.files import read_regular_file

PACKAGE = "mobilenet_harness_runner"
DISTRIBUTION = "mobilenet-harness-runner"
EXPORT, EXPORT_SHA256, KEY = "bundles.tar.gz", "bundles.sha256", "bundle_key"
_MAX_LINE_BYTES = 1000


@dataclass(frozen=True)
class Packed:
    """The exported file of the installed package, and the digest that it must have."""

    export: Path
    sha256: str


def ensure_bundle(abi: Abi) -> Bundle:
    """The bundle for an ABI: from the cache, else from the installed package, else built now.

    Raises:
        UsageError: the installed package is damaged.
        BundleError: as `build.ensure_bundle` does.
    """
    packed = find_packed()
    if packed is None:
        return build.ensure_bundle(abi)
    if placed := find_placed(abi):
        return placed
    try:
        import_bundles(packed.export, sha256=packed.sha256)
    except (BundleError, UsageError) as error:
        raise _damaged(error.what) from error
    return build.ensure_bundle(abi)


def find_packed() -> Packed | None:
    """What the installed package holds; None where there is none, or one of another version of the harness.

    Raises:
        UsageError: a file of it is missing or cannot be read.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    try:
        if _read_line(folder / KEY) != bundle_key():
            return None
        return Packed(folder / EXPORT, _read_line(folder / EXPORT_SHA256))
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(str(error)) from error


def _read_line(path: Path) -> str:
    return read_regular_file(path, _MAX_LINE_BYTES).decode("ascii").strip()


def _damaged(what: str) -> UsageError:
    return UsageError(
        f"the installed package {DISTRIBUTION} is damaged: {what}",
        hint=f"pip install --force-reinstall {DISTRIBUTION}",
    )
