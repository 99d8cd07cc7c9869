"""An ARM core under user-mode QEMU on this machine, with exact guest instruction counts.

Its wall-clock time tells nothing about a phone; its instruction counts repeat to the last digit.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import msgspec

from harness.bundle import ensure_instruction_counter
from harness.devices.device import JOB, Device, describe
from harness.devices.target import Target
from harness.errors import DeviceUnfit, UsageError
from harness.paths import cache_folder
from harness.records import Core
from harness.transports.local import LocalTransport, run_local

QEMU = "qemu-aarch64"
DEFAULT_CORE = "cortex-a76"


@cache
def qemu_version() -> str:
    """What QEMU says of itself.

    Raises:
        DeviceUnfit: it is not installed.
    """
    told = run_local([QEMU, "--version"], timeout_s=10)
    if told.exit_code != 0:
        raise DeviceUnfit(
            f"{QEMU} is not installed", device="emulator", mend="sudo apt-get install qemu-user"
        )
    match = re.search(r"version (\d+\.\d+(\.\d+)?)", told.text)
    return match[1] if match else "unknown"


def check_core(core: str) -> None:
    """Refuse a core that this QEMU does not know, before anything is built or pushed."""
    qemu_version()
    known = run_local([QEMU, "-cpu", "help"], timeout_s=10).text.split()
    if core not in known:
        some = ", ".join(name for name in known if name.startswith(("cortex-a", "neoverse", "max")))
        raise UsageError(f"QEMU {qemu_version()} has no core {core!r}", mend=f"choose one of: {some}")


@contextmanager
def open_emulator(target: Target) -> Iterator[Device]:
    """Yield an emulated ARM Linux user space; `target.address` names the core."""
    core = target.address or DEFAULT_CORE
    folder = target.folder or str(cache_folder() / "devices" / f"emulator-{core}")
    transport = LocalTransport()
    host, free_bytes = describe(transport, name=target.name, kind="emulator", folder=folder, clock="emulated")
    info = msgspec.structs.replace(
        host,
        abi="arm64-v8a",
        model=f"QEMU {qemu_version()} user-mode {core}",
        soc=None,
        cores=tuple(Core(index=index, name=core) for index in range(len(host.cores))),
    )
    counter = f"{ensure_instruction_counter()},out={JOB}/instructions"
    launcher = (QEMU, "-cpu", core, "-plugin", counter)
    yield Device(
        info,
        transport,
        folder,
        LocalTransport,
        launcher,
        counts_instructions=True,
        free_bytes=free_bytes,
    )
