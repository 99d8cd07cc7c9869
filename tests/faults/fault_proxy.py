"""A TCP proxy on loopback that harms what goes through it at random points, repeatably by its seed."""

import contextlib
import math
import random
import socket
import threading
from collections import Counter
from collections.abc import Sequence

KINDS = ("cut", "stall", "delay", "truncate", "corrupt")
CHUNK = 1 << 16
# A fault strikes after so many bytes of one direction, evenly over the magnitudes: in the handshake, in a
# command, in the middle of a large push.
FEWEST_BYTES, MOST_BYTES = 200, 20_000_000
STALL_S = (0.5, 8.0)
DELAY_S = 0.02
DELAYED_CHUNKS = 100


class FaultProxy:
    """Forwards to a port of this machine; each connection draws its faults from the seed and its number.

    At most `budget` faults strike, so that a harness which tries again gets through in the end.
    """

    def __init__(self, target_port: int, *, seed: int, kinds: Sequence[str] = KINDS, budget: int = 6) -> None:
        self.struck: Counter[str] = Counter()
        self._target_port = target_port
        self._seed = seed
        self._kinds = tuple(kinds)
        self._budget = budget
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closing = threading.Event()
        self._connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def __enter__(self) -> "FaultProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            remaining = tuple(self._open)
        _end(*remaining)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._connections += 1
            threading.Thread(target=self._serve, args=(client, self._connections), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        with (
            client,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._target_port)) as server,
        ):
            with self._lock:
                self._open |= {client, server}
            directions = (("up", client, server), ("down", server, client))
            threads = [
                threading.Thread(
                    target=self._forward, args=(f"{self._seed} {number} {name}", *ends), daemon=True
                )
                for name, *ends in directions
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            with self._lock:
                self._open -= {client, server}

    def _forward(self, seed: str, source: socket.socket, sink: socket.socket) -> None:
        rng = random.Random(seed)
        until_fault, delayed = _draw_bytes(rng), 0
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if delayed:
                    delayed -= 1
                    self._closing.wait(DELAY_S)
                until_fault -= len(data)
                if until_fault < 0:
                    position = len(data) + until_fault
                    until_fault = _draw_bytes(rng)
                    kind = self._strike(rng)
                    if kind == "delay":
                        delayed = DELAYED_CHUNKS
                    elif kind == "stall":
                        self._closing.wait(rng.uniform(*STALL_S))
                    elif kind == "corrupt":
                        data = _flip(data, position, rng)
                    elif kind == "truncate":
                        # What was sent so far arrives, then the connection ends as if all were well.
                        sink.sendall(data[:position])
                        break
                    elif kind == "cut":
                        _end(source, sink)
                        break
                sink.sendall(data)
        _end(source, sink)

    def _strike(self, rng: random.Random) -> str | None:
        kind = rng.choice(self._kinds)
        with self._lock:
            if self._budget == 0:
                return None
            self._budget -= 1
            self.struck[kind] += 1
        return kind


def _draw_bytes(rng: random.Random) -> int:
    return round(math.exp(rng.uniform(math.log(FEWEST_BYTES), math.log(MOST_BYTES))))


def _flip(data: bytes, position: int, rng: random.Random) -> bytes:
    changed = bytearray(data)
    changed[min(position, len(data) - 1)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        # shutdown, because close does not wake a thread that waits in recv.
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
