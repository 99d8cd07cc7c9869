"""CPU cores: their names, and which of them to use."""

import re
from collections.abc import Sequence

from harness.analysis.clusters import CLUSTER_NAMES, find_clusters
from harness.devices.probe import Probed
from harness.errors import DeviceUnfit
from harness.records import Core
from harness.system.cpu_list import format_cpu_list, parse_cpu_list

# (implementer, part number) of MIDR_EL1; sources: Arm's technical reference manuals of each core, and
# Linux arch/arm64/include/asm/cputype.h.
ARM = 0x41
PARTS = {
    (ARM, 0xD03): "Cortex-A53",
    (ARM, 0xD04): "Cortex-A35",
    (ARM, 0xD05): "Cortex-A55",
    (ARM, 0xD07): "Cortex-A57",
    (ARM, 0xD08): "Cortex-A72",
    (ARM, 0xD09): "Cortex-A73",
    (ARM, 0xD0A): "Cortex-A75",
    (ARM, 0xD0B): "Cortex-A76",
    (ARM, 0xD0C): "Neoverse-N1",
    (ARM, 0xD0D): "Cortex-A77",
    (ARM, 0xD40): "Neoverse-V1",
    (ARM, 0xD41): "Cortex-A78",
    (ARM, 0xD44): "Cortex-X1",
    (ARM, 0xD46): "Cortex-A510",
    (ARM, 0xD47): "Cortex-A710",
    (ARM, 0xD48): "Cortex-X2",
    (ARM, 0xD49): "Neoverse-N2",
    (ARM, 0xD4B): "Cortex-A78C",
    (ARM, 0xD4D): "Cortex-A715",
    (ARM, 0xD4E): "Cortex-X3",
    (ARM, 0xD4F): "Neoverse-V2",
    (ARM, 0xD80): "Cortex-A520",
    (ARM, 0xD81): "Cortex-A720",
    (ARM, 0xD82): "Cortex-X4",
    (0x51, 0x800): "Kryo 2xx Gold",
    (0x51, 0x801): "Kryo 2xx Silver",
    (0x51, 0x802): "Kryo 3xx Gold",
    (0x51, 0x803): "Kryo 3xx Silver",
    (0x51, 0x804): "Kryo 4xx Gold",
    (0x51, 0x805): "Kryo 4xx Silver",
}

# A key of the facts that describes a core.
_DESCRIBED = re.compile(r"cpu([0-9]{1,4})\.")


def core_name(midr: int) -> str:
    """The core's name, or its implementer and part number in hexadecimal when it is not known here."""
    implementer, part = midr >> 24 & 0xFF, midr >> 4 & 0xFFF
    return PARTS.get((implementer, part), f"0x{implementer:02x}:0x{part:03x}")


def read_cores(facts: Probed) -> tuple[Core, ...]:
    """The online cores in the facts; all that are described where the kernel's list of them is denied."""
    online = parse_cpu_list(facts.values.get("online", ""))
    if online is None:
        found = (_DESCRIBED.match(key) for key in facts.values)
        online = tuple(sorted({int(match[1]) for match in found if match}))
    return tuple(_core(facts, index) for index in online)


def _core(facts: Probed, index: int) -> Core:
    midr = facts.number(f"cpu{index}.midr")
    implementer, part = facts.number(f"cpu{index}.implementer"), facts.number(f"cpu{index}.part")
    if midr is None and implementer is not None and part is not None:
        midr = implementer << 24 | part << 4
    return Core(
        index=index,
        name=facts.values.get("cpu_name") if midr is None else core_name(midr),
        max_frequency_khz=facts.number(f"cpu{index}.max_frequency_khz"),
        capacity=facts.number(f"cpu{index}.capacity"),
    )


def names_cores(text: str) -> bool:
    """Whether the text is a cluster's name, or a CPU list such as `0-3,6`."""
    return text in CLUSTER_NAMES or bool(parse_cpu_list(text))


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
