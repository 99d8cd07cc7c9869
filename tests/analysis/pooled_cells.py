"""Runs with --any-of: equal devices that shared the variants."""

from collections.abc import Sequence

from msgspec.structs import replace
from picked_cells import MS, cell_of

from builders import make_run
from harness.analysis.budget import Budget
from harness.analysis.device_pools import find_pools
from harness.analysis.machines import cells_of_runs
from harness.analysis.selection import Selection, pick
from harness.records import Cell, DeviceInfo, Run
from synthetic import PHONE

# The first variant, on each device; the others on one of them.
SLOWEST = {"emu-a": 10.0, "emu-b": 10.2, "emu-c": 10.4}


def phone(name: str, **changes: object) -> DeviceInfo:
    return replace(PHONE, name=name, boot_id=f"boot of {name}", **changes)


def on(device: str, width: float, ms: float, **changes: object) -> Cell:
    """A cell of this width, whose worst end is this."""
    return cell_of(width, 128, ms=ms / 1.01, worst_ms=ms, device=phone(device), **changes)  # type: ignore[arg-type]


def pool_cells(shared: dict[str, float] = SLOWEST) -> tuple[Cell, ...]:
    """The first variant on each device; a larger one on emu-c, a still larger one on emu-a."""
    first = [on(name, 0.25, ms) for name, ms in shared.items()]
    return (*first, on("emu-c", 0.5, 19.0), on("emu-a", 0.75, 30.0))


def pool_run(cells: Sequence[Cell], any_of: tuple[str, ...] = ("tag:pixel6",), id: str = "pooled") -> Run:
    run = make_run(tuple(cells), id=id)
    return replace(run, request=replace(run.request, any_of=any_of, devices=any_of))


def decide(
    cells: Sequence[Cell], max_ms: float | None = None, *, device: str | None = None, run: Run | None = None
) -> Selection:
    """What `harness pick` chooses from the folder of one run."""
    runs = [(run or pool_run(cells), tuple(cells))]
    budget = Budget(max_latency_ns=None if max_ms is None else max_ms * MS)
    found = cells_of_runs(members for _, members in runs)
    return pick(found, budget, device=device, pools=find_pools(runs))
