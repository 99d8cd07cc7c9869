"""adbd's shell and file protocols, in whatever pieces they come."""

import io
import struct
import time
from collections.abc import Iterator
from typing import cast

import pytest
from adb_shell import constants
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConnectionLost, TransportError
from harness.transports.adb_services import ShellOutput, SyncReader, stdin_packets, sync_send
from harness.transports.adb_stream import Stream


class Pieces:
    """Stands for a stream that delivers these pieces and is then closed."""

    device = "DEVICE"

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def read(self, deadline: float) -> Iterator[bytes]:
        yield from self._pieces


def reader(*pieces: bytes) -> SyncReader:
    return SyncReader(cast(Stream, Pieces(*pieces)), time.monotonic() + 1)


@given(st.lists(st.tuples(st.sampled_from([1, 2, 3, 77]), st.binary(max_size=30)), max_size=8), st.data())
def test_shell_packets_may_be_cut_anywhere(packets: list[tuple[int, bytes]], data: st.DataObject) -> None:
    wire = b"".join(struct.pack("<BI", kind, len(body)) + body for kind, body in packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=5)))
    output = ShellOutput()
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        output.feed(wire[start:end])
    assert output.stdout == b"".join(body for kind, body in packets if kind == 1)
    assert output.stderr == b"".join(body for kind, body in packets if kind == 2)


@given(st.binary(max_size=200), st.integers(6, 40))
def test_stdin_is_cut_into_packets_and_closed(stdin: bytes, max_data: int) -> None:
    packets = list(stdin_packets(stdin, max_data))
    assert all(len(packet) <= max_data for packet in packets)
    assert all(packet[0] == 0 for packet in packets[:-1])
    assert b"".join(packet[5:] for packet in packets) == stdin
    assert packets[-1] == struct.pack("<BI", 4, 0)


@pytest.mark.parametrize("max_data", [4096, 1 << 18, 1 << 20])
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 3_000_000])
def test_a_file_is_cut_into_pieces_that_adbd_takes(size: int, max_data: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    request, *pieces = sync_send(io.BytesIO(content[:size]), "/a,b", 0o755, max_data)
    assert request == struct.pack("<4sI", b"SEND", 10) + b"/a,b,33261"
    assert all(len(piece) <= max_data for piece in pieces)
    wire, arrived = b"".join(pieces), b""
    while wire[:4] == b"DATA":
        (length,) = struct.unpack("<I", wire[4:8])
        assert length <= constants.MAX_CHUNK_SIZE
        arrived, wire = arrived + wire[8 : 8 + length], wire[8 + length :]
    assert arrived == content[:size]
    assert wire[:4] == b"DONE"


@given(st.binary(max_size=50), st.integers(1, 20))
def test_answers_may_be_cut_anywhere(body: bytes, size: int) -> None:
    wire = struct.pack("<4sI", b"DATA", len(body)) + body + struct.pack("<4sI", b"DONE", 0)
    answers = reader(*(wire[start : start + size] for start in range(0, len(wire), size)))
    assert answers.message() == (b"DATA", body)
    assert answers.message() == (b"DONE", b"")
    with pytest.raises(ConnectionLost, match="ended the transfer early"):
        answers.message()


@given(st.binary(min_size=8, max_size=64))
def test_no_answer_breaks_the_reader(wire: bytes) -> None:
    try:
        answer, body = reader(wire).message()
    except (ConnectionLost, TransportError):
        return
    assert answer in (b"DATA", b"DONE", b"OKAY", b"FAIL")
    assert len(body) < len(wire)


def test_an_answer_too_large_to_be_one_is_refused() -> None:
    with pytest.raises(TransportError, match="not an answer"):
        reader(struct.pack("<4sI", b"DATA", 1 << 30)).message()
