"""What ran beside the timed processes of a cell, as events of a trace: energy, cold starts, a profile."""

from collections.abc import Iterator, Sequence

from harness.records import Cell
from harness.records.energy import EnergyRun
from harness.system.text import printable
from reports.trace_events import Event, Thread, counter, named, slice_of


def energy_events(thread: Thread, run: EnergyRun, begin_us: float) -> Iterator[Event]:
    """The idle windows and the one under load, and the power that the sensor reported in them."""
    windows = {"idle before": run.idle_before, "load": run.load, "idle after": run.idle_after}
    for name, window in windows.items():
        at = begin_us + 1e6 * (window.began_uptime_seconds - run.idle_before.began_uptime_seconds)
        facts: dict[str, object] = {"sensor": printable(run.source.name), "updates": window.updates}
        if window is run.load:
            facts["inferences"] = run.inferences
        yield slice_of(thread, f"energy: {name}", at, 1e9 * window.seconds, **facts)
        for seconds, watts in zip(window.span_seconds, window.watts, strict=True):
            yield counter(thread.pid, f"{thread.name}: power, W", at, watts)
            at += seconds * 1e6


def cold_events(thread: Thread, cell: Cell, begins_us: Sequence[float], end_us: float) -> Iterator[Event]:
    """The cold starts of a cell when they began; those of older runs, which lack that, end to end."""
    if cell.cold is None or not cell.cold.processes:
        return
    processes = cell.cold.processes
    known = len(begins_us) == len(processes)
    name = f"{thread.name}: cold starts" + ("" if known else ", after the processes")
    yield named("thread_name", thread.pid, thread.tid, name)
    at = end_us
    for number, one in enumerate(processes):
        at = begins_us[number] if known else at
        facts = {"resident_pages": one.resident_pages, "pages": one.pages, "cold": one.is_cold}
        yield slice_of(thread, f"cold start {number}", at, one.total_ns, **facts)
        for name, ns in {
            "load": one.load_ns,
            "initialize": one.init_ns,
            "first inference": one.first_ns,
        }.items():
            yield slice_of(thread, name, at, ns)
            at += ns / 1e3


def profile_events(thread: Thread, cell: Cell, begin_us: float) -> Iterator[Event]:
    """The operators of a profile, end to end: means of a process of its own."""
    if cell.profile is None or not cell.profile.operators:
        return
    name = f"{thread.name}: operators, means of a profile"
    yield named("thread_name", thread.pid, thread.tid, name)
    at = begin_us
    for one in cell.profile.operators:
        yield slice_of(thread, printable(one.name), at, one.mean_ns, kind=one.kind, share=one.share)
        at += one.mean_ns / 1e3
