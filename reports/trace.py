"""A trace of a run in Chrome's trace format, which Perfetto opens: what ran when, at which clock, how warm.

Source of the format: "Trace Event Format", Google, 2016. A device is a process of the trace; a cell is a
thread of it, on which its processes lie one after the other. Times are the device's own: the uptime that was
read just before a process places it. Inside it, what was timed is laid end to end: gaps were not recorded.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import msgspec

from harness.records import Cell, Conditions, ConditionsSample, ProcessReport, SampledConditions
from harness.records.sustained import SustainedRun
from harness.system.files import atomic_file
from harness.system.text import printable
from reports.trace_devices import TracedDevice
from reports.trace_events import APART_NS, Event, Thread, counter, named, slice_of
from reports.trace_passes import cold_events, energy_events, profile_events
from reports.trace_times import Placed, place_processes

# Perfetto becomes slow with more; each process gets its share, and what lies beyond is one slice.
MOST_SLICES = 1_000_000
FEWEST_OF_A_PROCESS = 20
HOW_PLACED = (
    "A process begins at the device's uptime just before it, so do cold starts and the process of a profile."
    " Inside a process, what was timed is laid end to end, 2 ns apart. Operators are means of a profile, laid"
    " end to end; profiling costs time. Of runs that recorded no beginning of them, cold starts and operators"
    " lie after the last process of their cell."
)


def write_trace(devices: Sequence[TracedDevice], path: Path) -> None:
    """Write the trace of these devices, event by event."""
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        separator = b'{"displayTimeUnit":"ms","otherData":' + msgspec.json.encode({"placed": HOW_PLACED})
        separator += b',"traceEvents":[\n'
        for event in trace_events(devices):
            file.write(separator + msgspec.json.encode(event))
            separator = b",\n"
        file.write(b"\n]}\n")


def trace_events(devices: Sequence[TracedDevice], most_slices: int = MOST_SLICES) -> Iterator[Event]:
    """All events of all devices."""
    processes = sum(len(cell.processes) for device in devices for cell in device.section.cells)
    share = max(FEWEST_OF_A_PROCESS, most_slices // max(1, processes))
    for pid, device in enumerate(devices, 1):
        section = device.section
        yield named("process_name", pid, 0, f"{section.title}, {printable(section.device.model)}")
        yield from _device(pid, section.cells, device.names, share)


def _device(pid: int, cells: Sequence[Cell], names: Sequence[str], share: int) -> Iterator[Event]:
    times = place_processes(cells)
    threads = [Thread(pid, tid, name) for tid, name in enumerate(names, 1)]
    for thread in threads:
        yield named("thread_name", pid, thread.tid, thread.name)
    for placed in times.processes:
        yield from _process(threads[placed.cell_at], placed, share)
    for at, energy, begin_us in times.energy:
        yield from energy_events(threads[at], energy, begin_us)
        for conditions in (energy.conditions_before, energy.conditions_after):
            yield from _conditions(pid, conditions, begin_us - energy.idle_before.began_uptime_seconds * 1e6)
    for at, run, begin_us in times.sustained:
        yield from _minutes(threads[at], run, begin_us)
    for placed in times.processes:
        yield from _readings(pid, placed.start_us, placed.process)
    further = count(len(cells) + 1)
    for at, (cell, name) in enumerate(zip(cells, names, strict=True)):
        end_us, profiled_us = times.ends_us[at], times.profile_us[at]
        profiled_ns = sum(one.mean_ns for one in cell.profile.operators) if cell.profile else 0.0
        if profiled_ns:
            begin_us = end_us if profiled_us is None else profiled_us
            yield from profile_events(Thread(pid, next(further), name), cell, begin_us)
        if cell.cold and cell.cold.processes:
            thread = Thread(pid, next(further), name)
            yield from cold_events(thread, cell, times.cold_us[at], end_us + profiled_ns / 1e3)


def _process(thread: Thread, placed: Placed, share: int) -> Iterator[Event]:
    process, at = placed.process, placed.start_us
    if process.cooled_seconds:
        yield slice_of(thread, "cooling", at - process.cooled_seconds * 1e6, process.cooled_seconds * 1e9)
    facts = {
        "status": placed.cell.verdict.status,
        "started_at": printable(process.started_at),
        "clock": placed.cell.device.clock,
        "placed by": "uptime" if placed.known else "the process before: no uptime was read",
        "instructions_per_inference": process.instructions_per_inference,
    }
    yield slice_of(
        thread,
        f"process {placed.number}, round {process.round}",
        at,
        process.reported_ns + APART_NS,
        **facts,
    )
    parts = {
        "canary": process.canary_ns,
        "load": process.load_ns,
        "initialize": process.init_ns,
        "first inference": process.first_ns,
    }
    for name, ns in parts.items():
        if ns:
            yield slice_of(thread, name, at, ns)
            at += ns / 1e3
    yield from _inferences(thread, at, process, share)


def _inferences(thread: Thread, at: float, process: ProcessReport, share: int) -> Iterator[Event]:
    warm_up, steady, starts = process.warmup_ns, process.latencies_ns, process.starts_ns
    untimed = len(warm_up) - process.warmup_cut if starts else 0
    begun = at
    for number, ns in enumerate((*warm_up, *steady)):
        if number == share:
            left = len(warm_up) + len(steady) - share
            yield slice_of(thread, f"{left} more inferences", at, _left_ns(process, share, at - begun))
            return
        if starts and number == untimed:
            begun = at
        if starts and number >= untimed:
            at = begun + starts[number - untimed] / 1e3
        yield slice_of(thread, "inference" if number >= len(warm_up) else "warm-up", at, ns)
        at += ns / 1e3


def _left_ns(process: ProcessReport, shown: int, passed_us: float) -> float:
    if process.starts_ns is None:
        return sum((*process.warmup_ns, *process.latencies_ns)[shown:])
    return max(0.0, process.starts_ns[-1] + process.timed_ns[-1] - passed_us * 1e3)


def _minutes(thread: Thread, run: SustainedRun, begin_us: float) -> Iterator[Event]:
    yield slice_of(thread, "sustained run", begin_us, 1e9 * len(run.median_ns))
    name = f"{printable(thread.name)}: median of a second, ms"
    for second, ns in enumerate(run.median_ns):
        if ns is not None:
            yield counter(thread.pid, name, begin_us + second * 1e6, ns / 1e6)
    if run.sampled:
        yield from _sampled(thread.pid, run.sampled, begin_us - run.began_uptime_seconds * 1e6)


def _readings(pid: int, start_us: float, process: ProcessReport) -> Iterator[Event]:
    """What was read before, while and after a process ran, where there is an uptime to place it by."""
    before = process.conditions_before.uptime_seconds
    if before is None:
        return
    shift_us = start_us - before * 1e6
    for conditions in (process.conditions_before, process.conditions_after):
        yield from _conditions(pid, conditions, shift_us)
    if process.sampled:
        yield from _sampled(pid, process.sampled, shift_us)


def _conditions(pid: int, conditions: Conditions, shift_us: float) -> Iterator[Event]:
    if conditions.uptime_seconds is None:
        return
    at = conditions.uptime_seconds * 1e6 + shift_us
    for core, khz in enumerate(conditions.frequencies_khz or ()):
        if khz is not None:
            yield counter(pid, f"core {core}, MHz", at, khz / 1e3)
    for one in conditions.temperatures or ():
        yield counter(pid, f"{printable(one.zone)}, °C", at, one.celsius)


def _sampled(pid: int, sampled: SampledConditions, shift_us: float) -> Iterator[Event]:
    for sample in sampled.samples:
        if sample.uptime_seconds is not None:
            yield from _sample(pid, sampled, sample, sample.uptime_seconds * 1e6 + shift_us)


def _sample(pid: int, sampled: SampledConditions, sample: ConditionsSample, at: float) -> Iterator[Event]:
    for core, khz in zip(sampled.cores, sample.frequencies_khz, strict=True):
        if khz is not None:
            yield counter(pid, f"core {core}, MHz", at, khz / 1e3)
    for zone, celsius in zip(sampled.zones, sample.celsius, strict=True):
        if celsius is not None:
            yield counter(pid, f"{printable(zone)}, °C", at, celsius)
