"""Single events of Chrome's trace format; `ts` and `dur` are in microseconds."""

from dataclasses import dataclass

from harness.system.text import printable

Event = dict[str, object]
# A reader computes the ends in floating point: neighbours that touch would overlap, and be dropped.
APART_NS = 2


@dataclass(frozen=True)
class Thread:
    """A thread of a process of the trace."""

    pid: int
    tid: int
    name: str


def named(what: str, pid: int, tid: int, name: str) -> Event:
    """The name of a process or a thread."""
    return {"ph": "M", "name": what, "pid": pid, "tid": tid, "args": {"name": printable(name)}}


def slice_of(thread: Thread, name: str, begin_us: float, ns: float, **args: object) -> Event:
    """A part of a thread's time."""
    event: Event = {"ph": "X", "name": name, "pid": thread.pid, "tid": thread.tid}
    event |= {"ts": round(begin_us, 3), "dur": round(max(0.0, ns - APART_NS) / 1e3, 3)}
    return {**event, "args": args} if args else event


def counter(pid: int, name: str, at_us: float, value: float) -> Event:
    """A value that holds from then on."""
    return {"ph": "C", "name": name, "pid": pid, "tid": 0, "ts": round(at_us, 3), "args": {"value": value}}
