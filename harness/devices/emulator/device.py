"""The kind `emulator`: an ARM core under user-mode QEMU on this machine, with exact guest instruction counts.

Its wall-clock times do not predict a phone's; its instruction counts repeat to the last digit.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from harness.devices.core_names import PARTS
from harness.devices.device import JOB_IN_LIST, Device, describe
from harness.devices.device_kind import DeviceKind, Program
from harness.devices.emulator.instruction_counter import ensure_instruction_counter
from harness.devices.emulator.qemu import ensure_qemu, qemu_cores, qemu_version
from harness.devices.target import Target
from harness.errors import BundleError, DeviceUnfit, UsageError
from harness.records import Core
from harness.system.files import write_atomically
from harness.system.paths import cache_folder
from harness.transports.local import LocalTransport

DEFAULT_CORE = "cortex-a76"
# Armv8.0 designs; arithmetic in 16-bit floats (FEAT_FP16) came with Armv8.2.
WITHOUT_HALF_PRECISION = ("cortex-a35", "cortex-a53", "cortex-a57", "cortex-a72")
CPUINFO = """\
processor\t: {index}
CPU implementer\t: 0x{implementer:02x}
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: 0x{part:03x}
CPU revision\t: 0

"""


def parse_name(name: str) -> Target | None:
    """The emulated core of a name such as `emulator:cortex-a53`."""
    kind, _, core = name.partition(":")
    if kind != "emulator" or not core:
        return None
    return Target(name=name, kind="emulator", transport="local", address=core)


def check_core(target: Target) -> None:
    """Refuse a core that QEMU does not know, before anything is built or pushed.

    Raises:
        DeviceUnfit: QEMU is not installed.
        UsageError: QEMU does not know the core.
    """
    core = target.address
    try:
        version, known = qemu_version(), qemu_cores()
    except BundleError as error:
        raise DeviceUnfit(error.what, device="emulator", hint=error.hint) from error
    if core not in known:
        some = ", ".join(name for name in known if name.startswith(("cortex-a", "neoverse", "max")))
        raise UsageError(f"QEMU {version} has no core {core!r}", hint=f"choose one of: {some}")


@contextmanager
def open_emulator(target: Target, log: Callable[[str], None]) -> Iterator[Device]:
    """Yield an emulated ARM Linux user space; `target.address` names the core."""
    core = target.address
    qemu = ensure_qemu(log)
    folder = target.folder or str(cache_folder() / "devices" / f"emulator-{core}")
    transport = LocalTransport()
    host, free_bytes = describe(
        transport, name=target.name, kind=EMULATOR.name, folder=folder, clock=EMULATOR.clock
    )
    info = msgspec.structs.replace(
        host,
        abi="arm64-v8a",
        model=f"QEMU {qemu_version()} user-mode {core}",
        soc=None,
        cores=tuple(Core(index=index, name=core) for index in range(len(host.cores))),
        half_precision=core not in WITHOUT_HALF_PRECISION,
    )
    root = _write_root(Path(folder) / "root", core, len(host.cores))
    plugin = str(ensure_instruction_counter()).replace(",", ",,")
    counter = f"{plugin},out={JOB_IN_LIST}/instructions"
    launcher = (*qemu, "-L", str(root), "-cpu", core, "-plugin", counter)
    yield Device(
        info,
        transport,
        folder,
        LocalTransport,
        launcher,
        counts_instructions=True,
        free_bytes=free_bytes,
    )


def _write_root(root: Path, core: str, count: int) -> Path:
    """Files that replace the host's for the runner's libraries, which then see the emulated core.

    XNNPACK chooses its kernels by the core's name, which it takes from /proc/cpuinfo. QEMU before 8.0
    shows the host's there, and generic kernels would be counted (5 % more instructions at 0.25/32 fp32).
    """
    files = {
        "sys/devices/system/cpu/possible": f"0-{count - 1}\n",
        "sys/devices/system/cpu/present": f"0-{count - 1}\n",
    }
    for (implementer, part), name in PARTS.items():
        if name.lower() == core:
            entries = (CPUINFO.format(index=i, implementer=implementer, part=part) for i in range(count))
            files["proc/cpuinfo"] = "".join(entries)
    for name, content in files.items():
        path = root / name
        # Another harness may be measuring with these files: write only what differs.
        if not path.exists() or path.read_text() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
    return root


EMULATOR = DeviceKind(
    name="emulator",
    runs_on_host=True,
    clock="emulated",
    open=open_emulator,
    check=check_core,
    built_in=Target(name="emulator", kind="emulator", transport="local", address=DEFAULT_CORE),
    parse=parse_name,
    name_forms=("emulator:cortex-a53",),
    programs=(Program("qemu-aarch64", "qemu-user", "the device `emulator` needs"),),
)
