"""A device that is open for measuring."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.devices.cores import read_cores, unreadable_of_cores
from harness.devices.probe import Probed, read_facts
from harness.errors import DeviceUnfit
from harness.records import Abi, Clock, DeviceInfo, UnreadableFact
from harness.records.schema import PageSize
from harness.system.text import excerpt
from harness.transports.base import Transport

JOB = "{job}"
# The same inside an option that is a list with commas, such as QEMU's -plugin: its commas are doubled.
JOB_IN_LIST = "{job,,}"


@dataclass(frozen=True)
class Device:
    """An open device, with all that measuring needs.

    `launcher` is put before the runner's loader (an emulator, for example); `{job}` in it becomes the job's
    folder. With `counts_instructions` the launcher writes the count to `instructions` in that folder.
    `system_glibc` is the version of the device's C library if the runner is to use it. `connect` makes a
    further connection, since one connection serves one thread. `claim` is the content of the device's lock
    while this run holds it; empty when the device is not locked.
    """

    info: DeviceInfo
    transport: Transport
    folder: str
    connect: Callable[[], Transport]
    launcher: tuple[str, ...] = ()
    counts_instructions: bool = False
    free_bytes: int | None = None
    system_glibc: tuple[int, int] | None = None
    claim: str = ""


def describe(
    transport: Transport, *, name: str, kind: str, folder: str, clock: Clock = "real"
) -> tuple[DeviceInfo, int | None]:
    """Read what a device is, and the free bytes where the harness's files will go.

    Raises:
        DeviceUnfit: no bundle runs on the device, or its folder cannot be written.
    """
    facts = read_facts(transport, folder)
    if facts.values.get("folder_writable") == "no":
        raise DeviceUnfit(
            f"{folder} cannot be written on the device",
            device=name,
            hint='name a writable folder as folder = "…" in devices.toml',
        )
    cores, unreadable = read_cores(facts), dict(facts.unreadable)
    free = facts.kibibytes("free_kib")
    for fact, size in (("memory_total_kib", _memory_total(facts)), ("free_kib", free)):
        if fact in facts.values and size is None:
            unreadable[fact] = f"not a value: {facts.values[fact][:40]!r}"
    page_size = page_size_of(facts)
    if page_size is None and "page_size_kib" in facts.values:
        unreadable["page_size_kib"] = f"not a page size: {facts.values['page_size_kib'][:40]!r}"
    info = DeviceInfo(
        name=name,
        kind=kind,
        transport=transport.name,
        abi=_abi(facts, name),
        clock=clock,
        model=facts.values.get("model") or facts.values.get("cpu_name") or "unknown",
        soc=facts.values.get("soc") or None,
        os=_operating_system(facts),
        kernel=facts.values.get("kernel"),
        cores=cores,
        memory_total_bytes=_memory_total(facts),
        memory_limit_bytes=_memory_limit(facts),
        page_size_bytes=page_size,
        boot_id=facts.values.get("boot_id"),
        half_precision={"yes": True, "no": False}.get(facts.values.get("half_precision", "")),
        unreadable=tuple(
            UnreadableFact(fact=fact, reason=reason)
            for fact, reason in (unreadable | unreadable_of_cores(cores)).items()
        ),
    )
    return info, free


def _memory_total(facts: Probed) -> int | None:
    """Not 0, as some containers have it (lxc/lxcfs#389)."""
    return facts.kibibytes("memory_total_kib") or None


def _memory_limit(facts: Probed) -> int | None:
    """The lowest limit of the control groups, if it is below the device's memory; none is `max` or huge."""
    limits = (facts.number(key) for key in facts.values if key.startswith("memory_limit."))
    lowest = min((limit for limit in limits if limit is not None), default=None)
    total = _memory_total(facts)
    return lowest if lowest is not None and (total is None or lowest < total) else None


def page_size_of(facts: Probed) -> PageSize | None:
    """The size of the kernel's pages; None when unreadable, or not one that Linux has."""
    sizes: dict[int | None, PageSize] = {4096: 4096, 16384: 16384, 65536: 65536}
    return sizes.get(facts.kibibytes("page_size_kib"))


def _abi(facts: Probed, name: str) -> Abi:
    machine = facts.values.get("machine", "")
    userland = facts.values.get("android_abis") or ("32" if facts.values.get("userland_bits") == "32" else "")
    if machine in ("aarch64", "arm64") and (not userland or "arm64-v8a" in userland):
        return "arm64-v8a"
    if machine == "armv8l" and facts.values.get("userland_bits") == "64":
        return "arm64-v8a"  # as a process of 32 bits names a 64-bit core: a chroot that was entered from one
    if machine == "x86_64" and (not userland or "x86_64" in userland):
        return "x86_64"
    answer = excerpt(f"{machine} {userland}")
    raise DeviceUnfit(
        f"there is no runner for this device: its machine and ABIs are {answer!r}",
        device=name,
        hint="ExecuTorch's runtime exists for 64-bit ARM and x86-64: a 64-bit core needs a 64-bit system",
    )


def _operating_system(facts: Probed) -> str | None:
    release = facts.values.get("android_release")
    return f"Android {release}" if release else facts.values.get("os")
