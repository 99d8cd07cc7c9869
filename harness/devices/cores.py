"""Naming CPU cores from their main ID register."""

from harness.devices.probe import Probed
from harness.records import Core

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


def core_name(midr: int) -> str:
    """The core's name, or its implementer and part number in hexadecimal when it is not known here."""
    implementer, part = midr >> 24 & 0xFF, midr >> 4 & 0xFFF
    return PARTS.get((implementer, part), f"0x{implementer:02x}:0x{part:03x}")


def read_cores(facts: Probed) -> tuple[Core, ...]:
    """The online cores the facts tell of."""
    return tuple(_core(facts, index) for index in expand_cpu_list(facts.values.get("online", "")))


def _core(facts: Probed, index: int) -> Core:
    midr = facts.number(f"cpu{index}.midr")
    return Core(
        index=index,
        name=facts.values.get("cpu_name") if midr is None else core_name(midr),
        max_frequency_khz=facts.number(f"cpu{index}.max_frequency_khz"),
        capacity=facts.number(f"cpu{index}.capacity"),
    )


def expand_cpu_list(text: str) -> tuple[int, ...]:
    """`0-3,6` as indices; a text that is no CPU list gives none.

    The format is the kernel's (Documentation/admin-guide/cputopology.rst).
    """
    indices: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            return ()
        start, stop = int(first), int(last) if dash else int(first)
        if not start <= stop < 4096:
            return ()
        indices.extend(range(start, stop + 1))
    return tuple(dict.fromkeys(indices))
