"""CPU cores: what the kernel reports of each, and which of them to use."""

import re
from collections.abc import Sequence

import msgspec

from harness.analysis.clusters import CLUSTER_NAMES, find_clusters
from harness.devices.core_names import core_name
from harness.devices.probe import Probed, parse_khz
from harness.errors import DeviceUnfit
from harness.records import Core
from harness.system.cpu_list import format_cpu_list, parse_cpu_list

# A key of the facts that describes a core.
_DESCRIBED = re.compile(r"cpu([0-9]{1,4})\.")


def read_cores(facts: Probed) -> tuple[Core, ...]:
    """The online cores in the facts; all that are described where the kernel's list of them is denied."""
    online = parse_cpu_list(facts.values.get("online", ""))
    if online is None:
        found = (_DESCRIBED.match(key) for key in facts.values)
        online = tuple(sorted({int(match[1]) for match in found if match}))
    return _named_alike(facts, tuple(_core(facts, index) for index in online))


def unreadable_of_cores(cores: Sequence[Core]) -> dict[str, str]:
    """What some cores do not report, by fact; many kernels report no capacity of any core."""
    if not cores:
        return {"cores": "the kernel lists none"}
    missing = {
        "core names": [core.index for core in cores if core.name is None],
        "maximum frequencies": [core.index for core in cores if core.max_frequency_khz is None],
        "capacities": [core.index for core in cores if core.capacity is None],
    }
    if len(missing["capacities"]) == len(cores):
        del missing["capacities"]
    return {fact: f"of cores {format_cpu_list(indices)}" for fact, indices in missing.items() if indices}


def _named_alike(facts: Probed, cores: tuple[Core, ...]) -> tuple[Core, ...]:
    """The cores by the name of the only one that an old kernel describes, where their figures are alike."""
    midr = _midr_in_cpuinfo(facts, "cpus")
    if midr is None or len({(core.name, core.max_frequency_khz, core.capacity) for core in cores}) > 1:
        return cores
    return tuple(msgspec.structs.replace(core, name=core_name(midr)) for core in cores)


def _midr_in_cpuinfo(facts: Probed, cores: str) -> int | None:
    implementer, part = facts.number(f"{cores}.implementer"), facts.number(f"{cores}.part")
    # Virtual machines hide the core behind zeros (docker/for-mac#6111).
    return None if not implementer or part is None else implementer << 24 | part << 4


def _core(facts: Probed, index: int) -> Core:
    midr = facts.number(f"cpu{index}.midr") or _midr_in_cpuinfo(facts, f"cpu{index}")
    return Core(
        index=index,
        name=facts.values.get("cpu_name") if midr is None else core_name(midr),
        max_frequency_khz=parse_khz(facts.values.get(f"cpu{index}.max_frequency_khz", "")),
        capacity=facts.number(f"cpu{index}.capacity") or None,
    )


def choose_cores(cores: Sequence[Core], wanted: str) -> tuple[int, ...]:
    """The cores that a cluster's name or a CPU list stands for.

    Raises:
        DeviceUnfit: the device has no such cluster, or a core of the list is not online.
    """
    clusters = find_clusters(cores)
    answer = ", ".join(f"{name} ({format_cpu_list(indices)})" for name, indices in clusters.items())
    if wanted in CLUSTER_NAMES:
        if not clusters.get(wanted):
            what = f"the device has no {wanted} cores" if cores else "the device's cores are unknown"
            raise DeviceUnfit(what, hint=f"choose --cores from: {answer}")
        return clusters[wanted]
    indices = parse_cpu_list(wanted) or ()
    absent = sorted(set(indices) - set(clusters["all"]))
    if absent:
        raise DeviceUnfit(
            f"core {absent[0]} does not exist or is offline", hint=f"choose --cores from: {answer}"
        )
    return indices
