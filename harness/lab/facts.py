"""What a host of a lab tells of itself, and which hosts cannot work together."""

import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.devices.kinds import KINDS
from harness.devices.target import Target
from harness.errors import UsageError
from harness.lowering.pool import default_workers
from harness.system.extras import has_extra, installed_version
from harness.system.paths import APPLICATION, cache_folder
from harness.system.provenance import git_revision

# Two clocks set by NTP differ by milliseconds. Names and dates of runs, and what is old, follow the clock.
LARGEST_CLOCK_OFFSET_S = 60.0


@dataclass(frozen=True)
class Hold:
    """Who uses devices now, and since when (Unix time, seconds)."""

    devices: tuple[str, ...]
    holder: str
    since_s: float


@dataclass(frozen=True)
class HostFacts:
    """One host: its versions, devices and room; `lowering_workers` is 0 where nothing can be lowered.

    `clock_offset_s` is by how much its clock is ahead of that of the process that asked.
    """

    name: str
    machine: str
    versions: dict[str, str]
    devices: tuple[Target, ...]
    lowering_workers: int
    disk_free_bytes: int
    object_store_bytes: int
    holds: tuple[Hold, ...] = ()
    clock_s: float = 0.0
    clock_offset_s: float = 0.0


def describe_this_host(
    name: str, devices: Sequence[Target], lowering_workers: int, object_store_bytes: int
) -> HostFacts:
    """The facts of this process's host."""
    return HostFacts(
        name=name,
        machine=platform.node(),
        versions=lab_versions(),
        devices=tuple(devices),
        lowering_workers=lowering_workers,
        disk_free_bytes=shutil.disk_usage(_existing(cache_folder())).free,
        object_store_bytes=object_store_bytes,
        clock_s=time.time(),
    )


def lab_versions() -> dict[str, str]:
    """What must be the same on all hosts: Python's minor version, ours and our revision, and ExecuTorch's.

    A part that a host lacks, such as ExecuTorch on one that only measures, is not among them.
    """
    found = {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "harness": installed_version(APPLICATION),
        "harness's revision": git_revision(),
        "executorch": installed_version("executorch"),
        "ray": installed_version("ray"),
    }
    return {name: version for name, version in found.items() if version}


def lowering_workers() -> int:
    """How many variants this host lowers at once; 0 without the packages that lower."""
    return default_workers() if has_extra("lower") else 0


def refuse_unlike(hosts: Sequence[HostFacts]) -> None:
    """Refuse hosts that would not do the same work in the same way.

    Raises:
        UsageError: two hosts have other versions or one name, offer one device, or have clocks that differ.
    """
    for number, host in enumerate(hosts):
        for other in hosts[:number]:
            _refuse_pair(other, host)


def _refuse_pair(one: HostFacts, other: HostFacts) -> None:
    if one.name == other.name:
        raise UsageError(
            f"two hosts of the lab have the name {one.name}: {one.machine} and {other.machine}",
            hint="end one with `harness lab leave`, and join again with another --name",
        )
    for part in one.versions.keys() & other.versions.keys():
        if one.versions[part] != other.versions[part]:
            raise UsageError(
                f"host {one.name} has {part} {one.versions[part]}, host {other.name} has"
                f" {other.versions[part]}",
                hint="install the same versions on both hosts, and join again",
            )
    offset_s = other.clock_offset_s - one.clock_offset_s
    if abs(offset_s) > LARGEST_CLOCK_OFFSET_S:
        late, early = (one, other) if offset_s > 0 else (other, one)
        raise UsageError(
            f"the clock of host {early.name} is {abs(offset_s):.0f} s ahead of that of host {late.name}",
            hint="let both hosts set their clocks over the network: timedatectl set-ntp true",
        )
    for device in one.devices:
        for same in other.devices:
            if _is_same(device, same):
                raise UsageError(
                    f"hosts {one.name} and {other.name} both offer the device {device.name}"
                    + ("" if same.name == device.name else f", at one as {same.name}"),
                    hint="leave at one host, and join again without it; or under another name, if these are"
                    f" two devices: --device NAME={same.name}",
                    device=device.name,
                )


def _is_same(device: Target, other: Target) -> bool:
    """One name, or one address that both reach: a serial, or a host in the network."""
    if device.name == other.name:
        return True
    host = device.address.rpartition("@")[2]
    local = KINDS[device.kind].runs_on_host or not host or host.startswith(("127.", "localhost", "[::1]"))
    return not local and (device.transport, device.address) == (other.transport, other.address)


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
