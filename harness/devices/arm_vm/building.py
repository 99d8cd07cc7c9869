"""What the ARM machine boots from: disks and kernels in the cache, each built once from Debian's packages."""

from collections.abc import Callable
from pathlib import Path

from harness.devices.emulator.debian import ensure_entry
from harness.errors import BundleError, DeviceUnfit

NAME = "arm-vm"


def build_machine(log: Callable[[str], None] = lambda line: None) -> Path:
    """Build the machine unless the cache has it, about a minute; `log` gets lines of progress.

    Raises:
        DeviceUnfit: a program or the mirror is missing, or a step failed.
    """
    return _build("arm_vm", "build.py", log)


def build_kernel_16k(log: Callable[[str], None] = lambda line: None) -> Path:
    """Fetch the machine's other kernel, with pages of 16 KB, unless the cache has it: about 15 s.

    Raises:
        DeviceUnfit: a program or the mirror is missing, or a step failed.
    """
    return _build("arm_vm_16k", "kernel_16k.py", log)


def build_android(log: Callable[[str], None] = lambda line: None) -> Path:
    """Build the disk that is like a phone's unless the cache has it, about half a minute; first the machine.

    Raises:
        DeviceUnfit: a program or the mirror is missing, or a step failed.
    """
    return _build("arm_vm_android", "android.py", log, build_machine(log))


def build_all(log: Callable[[str], None]) -> None:
    """Build everything that a name of the machine may ask for.

    Raises:
        DeviceUnfit: a program or the mirror is missing, or a step failed.
    """
    for build in (build_machine, build_kernel_16k, build_android):
        build(log)


def _build(kind: str, script: str, log: Callable[[str], None], *inputs: Path) -> Path:
    try:
        return ensure_entry(kind, script, log, *inputs)
    except BundleError as error:
        what = f"the ARM machine could not be built: {error.what}"
        raise DeviceUnfit(what, device=NAME, hint=error.hint) from error
