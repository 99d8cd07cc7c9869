"""The clusters that a device's cores form, and the one that a cell was placed on."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import msgspec

from harness.records import Cell, Core
from harness.system.cpu_list import parse_cpu_list
from harness.system.text import printable

# Where the kernel reports no capacity, a core's design ranks it better than its clock: 0 little, 2 prime.
LITTLE_DESIGNS = (
    *("Cortex-A34", "Cortex-A35", "Cortex-A53", "Cortex-A55", "Cortex-A510", "Cortex-A520"),
    *("Cortex-A320", "C1-Nano"),
    *("Silver", "Icestorm", "Blizzard"),
)
PRIME_DESIGNS = ("Cortex-X", "C1-Ultra")
CLUSTER_NAMES = ("little", "big", "prime", "all")


def find_clusters(cores: Sequence[Core]) -> Mapping[str, tuple[int, ...]]:
    """Indices of the cores that are alike, by name: `all`, and where they differ `little` to `prime`.

    Of two clusters the faster one is `big`; of three or more the fastest is `prime` and those between
    are `big`. Faster is by the kernel's capacity, then by design, then by maximum frequency; a figure that
    some cores lack ranks none.
    """
    ranked = _comparable(cores)
    groups = [tuple(core.index for core in group) for _, group in groupby(sorted(ranked, key=_speed), _speed)]
    clusters = {"all": tuple(core.index for core in cores)}
    if len(groups) > 1:
        clusters["little"] = groups[0]
        clusters["big"] = groups[1] if len(groups) == 2 else sum(groups[1:-1], ())
    if len(groups) > 2:
        clusters["prime"] = groups[-1]
    return {name: tuple(sorted(indices)) for name, indices in clusters.items()}


def names_cores(text: str) -> bool:
    """Whether the text is a cluster's name, or a CPU list such as `0-3,6`."""
    return text in CLUSTER_NAMES or bool(parse_cpu_list(text))


def placed_on(cell: Cell, wanted: str) -> bool:
    """Whether the cell was pinned to this cluster or CPU list; one that was not pinned is on `all`."""
    indices = find_clusters(cell.device.cores).get(wanted) or parse_cpu_list(wanted)
    if cell.plan.cpus is None:
        return wanted == "all"
    return indices is not None and parse_cpu_list(cell.plan.cpus) == tuple(indices)


def placement_name(cell: Cell) -> str | None:
    """`big cores (4-7)`, or `cores 2-3` where these are no cluster; None where it was not pinned."""
    if cell.plan.cpus is None:
        return None
    name, listed = cores_name(cell), printable(cell.plan.cpus)
    return f"{name} cores ({listed})" if name in CLUSTER_NAMES else f"cores {listed}"


def cores_name(cell: Cell) -> str:
    """`big`, or `2-3` where the cores are no cluster; empty where the cell was not pinned."""
    if cell.plan.cpus is None:
        return ""
    indices = parse_cpu_list(cell.plan.cpus)
    names = [name for name, cluster in find_clusters(cell.device.cores).items() if cluster == indices]
    return names[-1] if names else printable(cell.plan.cpus)


def _comparable(cores: Sequence[Core]) -> list[Core]:
    """The cores without a figure that some of them lack: a denied figure is no figure of 0."""
    capacities, frequencies = (
        all(getattr(core, figure) for core in cores) for figure in ("capacity", "max_frequency_khz")
    )
    return [
        msgspec.structs.replace(
            core,
            capacity=core.capacity if capacities else None,
            max_frequency_khz=core.max_frequency_khz if frequencies else None,
        )
        for core in cores
    ]


def _speed(core: Core) -> tuple[int, int, int, str]:
    name = core.name or ""
    design = (
        0 if any(little in name for little in LITTLE_DESIGNS) else 2 if name.startswith(PRIME_DESIGNS) else 1
    )
    return core.capacity or 0, design, core.max_frequency_khz or 0, name
