"""What the processes of a cell cannot have done on its device: with its memory and on its cores."""

from collections.abc import Iterator

from harness.records import EXECUTORCH, Cell, ProcessReport
from harness.system.cpu_list import parse_cpu_list

_SIZES = ("rss_start_bytes", "rss_loaded_bytes", "rss_initialized_bytes", "rss_end_bytes", "peak_rss_bytes")


def find_impossible_on_machine(cell: Cell) -> Iterator[str]:
    """Each contradiction as a sentence that names the round, the field and its figures."""
    for process in cell.processes:
        for impossible in (*_memory(cell, process), *_threads(cell, process), *_cores(cell, process)):
            yield f"processes: in round {process.round}, {impossible}"


def _memory(cell: Cell, process: ProcessReport) -> Iterator[str]:
    total = cell.device.memory_total_bytes
    for name in _SIZES:
        size = getattr(process, name)
        if total is not None and size is not None and size > total:
            yield f"{name} is {size}, on a device with {total} bytes of memory"


def _threads(cell: Cell, process: ProcessReport) -> Iterator[str]:
    """Other runtimes than ExecuTorch start threads for themselves; other threads make a cell invalid."""
    used, planned = process.threads_used, cell.plan.threads
    counted = cell.variant.runtime == EXECUTORCH and cell.verdict.status != "invalid"
    if counted and used is not None and used != planned:
        yield f"threads_used is {used}, the plan has {planned}, and the verdict is {cell.verdict.status}"


def _cores(cell: Cell, process: ProcessReport) -> Iterator[str]:
    """The kernel's list of allowed cores also has those that are offline, or that the device could have.

    Under an emulator it is the list of the machine around it.
    """
    allowed = set(parse_cpu_list(process.cpus_allowed) or ())
    known = {core.index for core in cell.device.cores}
    planned = set(parse_cpu_list(cell.plan.cpus or "") or ())
    if allowed and known and not allowed & known and cell.device.clock != "emulated":
        yield f"cpus_allowed is {process.cpus_allowed}, but the device has cores {sorted(known)}"
    elif allowed and planned and not allowed <= planned and cell.verdict.status != "invalid":
        yield (
            f"cpus_allowed is {process.cpus_allowed}, the plan has {cell.plan.cpus}, and the verdict is"
            f" {cell.verdict.status}"
        )
