"""Power rails in a trace of perfetto: the counters of Android's power HAL, which a shell may not read itself.

A trace is a message of Protocol Buffers. Read here are, of perfetto's `trace.proto` and `power_rails.proto`:

    Trace.packet = 1, TracePacket.power_rails = 40
    PowerRails: rail_descriptor = 1 (index = 1, rail_name = 2), energy_data = 2, session_uuid = 3
    EnergyData: index = 1, timestamp_ms = 2 (since boot, suspended or not), energy = 3 (microwatt seconds)
"""

from collections.abc import Iterator
from itertools import pairwise

from harness.devices.energy_sources import PERFETTO
from harness.records import EnergySource
from harness.runner.energy_readings import SensorFailed, Span, checked, counted_watts
from harness.runner.energy_sensors import is_summed, name_rails
from harness.system.text import printable

MOST_RAILS = 256
LONGEST_NAME = 60

# Of one poll: the milliseconds since boot and the microwatt seconds of each rail.
_Poll = dict[str, tuple[int, int]]
# A session of the HAL, of which there may be several, and the rail's number in it.
_Key = tuple[int, int]


def spans_of_trace(trace: bytes) -> tuple[EnergySource, tuple[Span, ...]]:
    """The source with the names of what was summed, and a span between two polls of all these rails.

    Raises:
        SensorFailed: it is no such trace, has no rail of the cores, or a summed one that is there twice or
            counts backwards.
    """
    names: dict[_Key, str] = {}
    polls: list[_Poll] = []
    for packet in _messages(trace, 1):
        for rails in _messages(packet, 40):
            session = next(_numbers(rails, 3), 0)
            _learn_names(rails, session, names)
            if poll := _poll(rails, session, names):
                polls.append(poll)
    if not polls:
        raise SensorFailed("perfetto traced no power rails")
    source = name_rails(PERFETTO, list(names.values()))
    summed = [name for name in names.values() if is_summed(name)]
    if twice := [name for name in summed if summed.count(name) > 1]:
        raise SensorFailed(f"perfetto names the rail {twice[0]} twice")
    return source, tuple(_spans(_whole(polls, summed)))


def _learn_names(rails: bytes, session: int, names: dict[_Key, str]) -> None:
    for described in _messages(rails, 1):
        name = printable(next(_messages(described, 2), b"").decode("utf-8", "replace"))[:LONGEST_NAME]
        names[session, next(_numbers(described, 1), 0)] = name
    if len(names) > MOST_RAILS:
        raise SensorFailed(f"perfetto names over {MOST_RAILS} power rails")


def _poll(rails: bytes, session: int, names: dict[_Key, str]) -> _Poll:
    poll: _Poll = {}
    for energy in _messages(rails, 2):
        name = names.get((session, next(_numbers(energy, 1), 0)))
        if name is not None:
            poll[name] = (next(_numbers(energy, 2), 0), next(_numbers(energy, 3), 0))
    return poll


def _whole(polls: list[_Poll], summed: list[str]) -> Iterator[_Poll]:
    """All summed rails as last polled, each time when all are newer than before."""
    latest: _Poll = {}
    given: _Poll = {}
    for poll in polls:
        latest |= {name: poll[name] for name in summed if name in poll}
        if len(latest) == len(summed) and all(
            name not in given or latest[name][0] > given[name][0] for name in summed
        ):
            given = dict(latest)
            yield given


def _spans(polls: Iterator[_Poll]) -> Iterator[Span]:
    for before, after in pairwise(polls):
        watts, seconds = 0.0, []
        for name, (new_ms, new) in after.items():
            old_ms, old = before[name]
            seconds.append((new_ms - old_ms) / 1e3)
            watts += counted_watts(name, old, new, seconds[-1])
        begin, end = (max(ms for ms, _ in poll.values()) / 1e3 for poll in (before, after))
        yield checked(Span(begin, end, sum(seconds) / len(seconds), watts))


def _messages(message: bytes, field: int) -> Iterator[bytes]:
    """The values of a field that is a message or a text."""
    return (value for number, value in _fields(message) if number == field and isinstance(value, bytes))


def _numbers(message: bytes, field: int) -> Iterator[int]:
    """The values of a field that is a number."""
    return (value for number, value in _fields(message) if number == field and isinstance(value, int))


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each field, by https://protobuf.dev/programming-guides/encoding."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        if kind == 2:
            length, place = _varint(message, place)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise SensorFailed("what perfetto wrote is not a trace")
        if place + length > len(message):
            raise SensorFailed("perfetto's trace is cut")
        yield tag >> 3, message[place : place + length]
        place += length


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and the place behind it."""
    number = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise SensorFailed("perfetto's trace is cut")
        byte = message[place]
        place += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, place
    raise SensorFailed("what perfetto wrote is not a trace")
