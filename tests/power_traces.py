"""Traces of perfetto with power rails, as bytes."""

from collections.abc import Mapping, Sequence

# Milliseconds since boot, and the microwatt seconds of each rail.
Poll = tuple[int, Mapping[str, int]]


def trace_of(polls: Sequence[Poll], *, session: int | None = None) -> bytes:
    """Packets as traced_probes writes them: first the rails' names, then one packet a poll."""
    names = list(dict.fromkeys(name for _, energies in polls for name in energies))
    uuid = b"" if session is None else _number(3, session)
    described = [
        _message(1, _number(1, index) + _message(2, name.encode()) + _message(3, b"CPU") + _number(4, 1023))
        for index, name in enumerate(names)
    ]
    packets = [_rails(b"".join(described) + uuid)]
    for milliseconds, energies in polls:
        data = [
            _message(2, _number(1, names.index(name)) + _number(2, milliseconds) + _number(3, energy))
            for name, energy in energies.items()
        ]
        packets.append(_rails(b"".join(data) + uuid))
    # Beside them: the time of another packet, and a field of fixed length.
    return _message(1, _number(8, 2**63) + _number(58, 6) + b"\x35\1\2\3\4") + b"".join(packets)


def _rails(content: bytes) -> bytes:
    """A packet with its time in nanoseconds, which is that of the trace."""
    return _message(1, _number(8, 7_000_000_000) + _message(40, content) + _number(10, 3))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number > 127:
        groups.append(number & 127 | 128)
        number >>= 7
    return bytes([*groups, number])
