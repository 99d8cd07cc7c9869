"""A trace of a run in Chrome's trace format, which Perfetto opens: what ran when, at which clock, how warm.

Source of the format: "Trace Event Format", Google, 2016. A device is a process of the trace; a cell is a
thread of it, on which its processes lie one after the other. Times are the device's own: the uptime that was
read just before a process places it. Inside it, what was timed is laid end to end: gaps were not recorded.
"""

from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import msgspec

from harness.records import Cell, ConditionsSample, ProcessReport, SampledConditions
from harness.records.sustained import SustainedRun
from harness.system.files import atomic_file
from harness.system.text import printable
from reports.sections import Section
from reports.trace_times import Placed, place_processes

Event = dict[str, object]
# Perfetto becomes slow with more; each process gets its share, and what lies beyond is one slice.
MOST_SLICES = 1_000_000
FEWEST_OF_A_PROCESS = 20
# A reader computes the ends in floating point: neighbours that touch would overlap, and be dropped.
APART_NS = 2
HOW_PLACED = (
    "A process begins at the device's uptime just before it. Inside a process, what was timed is laid end to"
    " end, 2 ns apart. Operators are means of a profile, laid end to end from 0: profiling costs time."
)


def write_trace(sections: Sequence[Section], path: Path) -> None:
    """Write the trace of these devices, event by event."""
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        separator = b'{"displayTimeUnit":"ms","otherData":' + msgspec.json.encode({"placed": HOW_PLACED})
        separator += b',"traceEvents":[\n'
        for event in trace_events(sections):
            file.write(separator + msgspec.json.encode(event))
            separator = b",\n"
        file.write(b"\n]}\n")


def trace_events(sections: Sequence[Section], most_slices: int = MOST_SLICES) -> Iterator[Event]:
    """All events of all devices; `ts` and `dur` are in microseconds."""
    processes = sum(len(cell.processes) for section in sections for cell in section.cells)
    share = max(FEWEST_OF_A_PROCESS, most_slices // max(1, processes))
    for pid, section in enumerate(sections, 1):
        yield _named("process_name", pid, 0, f"{section.title}, {printable(section.device.model)}")
        times = place_processes(section.cells)
        for tid, cell in enumerate(section.cells, 1):
            yield _named("thread_name", pid, tid, cell.name)
        for placed in times.processes:
            yield from _process(pid, placed, share)
        for cell_at, run, begin_us in times.sustained:
            yield from _minutes(pid, cell_at + 1, section.cells[cell_at], run, begin_us)
        for placed in times.processes:
            yield from _readings(pid, placed.start_us, placed.process)
        yield from _profiles(pid, section.cells)


def _named(what: str, pid: int, tid: int, name: str) -> Event:
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": printable(name)}}


def _slice(pid: int, tid: int, name: str, begin_us: float, ns: float, **args: object) -> Event:
    event: Event = {"ph": "X", "name": name, "pid": pid, "tid": tid}
    event |= {"ts": round(begin_us, 3), "dur": round(max(0.0, ns - APART_NS) / 1e3, 3)}
    return {**event, "args": args} if args else event


def _process(pid: int, placed: Placed, share: int) -> Iterator[Event]:
    process, tid, at = placed.process, placed.cell_at + 1, placed.start_us
    if process.cooled_seconds:
        yield _slice(pid, tid, "cooling", at - process.cooled_seconds * 1e6, process.cooled_seconds * 1e9)
    facts = {
        "status": placed.cell.verdict.status,
        "started_at": printable(process.started_at),
        "clock": placed.cell.device.clock,
        "placed by": "uptime" if placed.known else "the process before: no uptime was read",
        "instructions_per_inference": process.instructions_per_inference,
    }
    yield _slice(
        pid,
        tid,
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
            yield _slice(pid, tid, name, at, ns)
            at += ns / 1e3
    yield from _inferences(pid, tid, at, process, share)


def _inferences(pid: int, tid: int, at: float, process: ProcessReport, share: int) -> Iterator[Event]:
    warm_up, steady, starts = process.warmup_ns, process.latencies_ns, process.starts_ns
    untimed = len(warm_up) - process.warmup_cut if starts else 0
    begun = at
    for number, ns in enumerate((*warm_up, *steady)):
        if number == share:
            left = len(warm_up) + len(steady) - share
            yield _slice(pid, tid, f"{left} more inferences", at, _left_ns(process, share, at - begun))
            return
        if starts and number == untimed:
            begun = at
        if starts and number >= untimed:
            at = begun + starts[number - untimed] / 1e3
        yield _slice(pid, tid, "inference" if number >= len(warm_up) else "warm-up", at, ns)
        at += ns / 1e3


def _left_ns(process: ProcessReport, shown: int, passed_us: float) -> float:
    if process.starts_ns is None:
        return sum((*process.warmup_ns, *process.latencies_ns)[shown:])
    return max(0.0, process.starts_ns[-1] + process.timed_ns[-1] - passed_us * 1e3)


def _minutes(pid: int, tid: int, cell: Cell, run: SustainedRun, begin_us: float) -> Iterator[Event]:
    yield _slice(pid, tid, "sustained run", begin_us, 1e9 * len(run.median_ns))
    name = f"{printable(cell.name)}: median of a second, ms"
    for second, ns in enumerate(run.median_ns):
        if ns is not None:
            yield _counter(pid, name, begin_us + second * 1e6, ns / 1e6)
    if run.sampled:
        yield from _sampled(pid, run.sampled, begin_us - run.began_uptime_seconds * 1e6)


def _readings(pid: int, start_us: float, process: ProcessReport) -> Iterator[Event]:
    """What was read before, while and after a process ran, where there is an uptime to place it by."""
    before = process.conditions_before.uptime_seconds
    if before is None:
        return
    shift_us = start_us - before * 1e6
    for conditions in (process.conditions_before, process.conditions_after):
        if conditions.uptime_seconds is None:
            continue
        at = conditions.uptime_seconds * 1e6 + shift_us
        for core, khz in enumerate(conditions.frequencies_khz or ()):
            if khz is not None:
                yield _counter(pid, f"core {core}, MHz", at, khz / 1e3)
        for one in conditions.temperatures or ():
            yield _counter(pid, f"{printable(one.zone)}, °C", at, one.celsius)
    if process.sampled:
        yield from _sampled(pid, process.sampled, shift_us)


def _sampled(pid: int, sampled: SampledConditions, shift_us: float) -> Iterator[Event]:
    for sample in sampled.samples:
        if sample.uptime_seconds is not None:
            yield from _sample(pid, sampled, sample, sample.uptime_seconds * 1e6 + shift_us)


def _sample(pid: int, sampled: SampledConditions, sample: ConditionsSample, at: float) -> Iterator[Event]:
    for core, khz in zip(sampled.cores, sample.frequencies_khz, strict=True):
        if khz is not None:
            yield _counter(pid, f"core {core}, MHz", at, khz / 1e3)
    for zone, celsius in zip(sampled.zones, sample.celsius, strict=True):
        if celsius is not None:
            yield _counter(pid, f"{printable(zone)}, °C", at, celsius)


def _counter(pid: int, name: str, at_us: float, value: float) -> Event:
    return {"ph": "C", "name": name, "pid": pid, "tid": 0, "ts": round(at_us, 3), "args": {"value": value}}


def _profiles(pid: int, cells: Sequence[Cell]) -> Iterator[Event]:
    """The operators of a profile, on threads after those of the cells."""
    for tid, cell in zip(count(len(cells) + 1), (cell for cell in cells if cell.profile), strict=False):
        if cell.profile is None or not cell.profile.operators:
            continue
        yield _named("thread_name", pid, tid, f"{cell.name}: operators, means of a profile")
        at = 0.0
        for one in cell.profile.operators:
            yield _slice(pid, tid, printable(one.name), at, one.mean_ns, kind=one.kind, share=one.share)
            at += one.mean_ns / 1e3
