"""A TCP proxy on loopback that counts, can cut its connections, silence them, and imitate a narrow link."""

import contextlib
import socket
import threading

WIFI_SEGMENT = 1448  # what TCP carries in a frame of 1500 bytes
TINY_BUFFER = 4096


class ShapedProxy:
    """Forwards to a port of this machine; `narrow` gives it small segments and small socket buffers."""

    def __init__(self, target_port: int, *, narrow: bool = False, host: str = "127.0.0.1") -> None:
        self._target_port = target_port
        self._narrow = narrow
        self._sockets: list[socket.socket] = []
        self._silenced: list[socket.socket] = []
        self.forwarded_bytes = 0
        self._lock = threading.Lock()
        self._listener = socket.socket()
        if narrow:
            self._shape(self._listener)
        self._listener.bind((host, 0))
        self._listener.listen(16)
        self.port: int = self._listener.getsockname()[1]
        self._allowance = float("inf")
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def __enter__(self) -> "ShapedProxy":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """End all connections at once, as a pulled cable ends them; new ones are still accepted."""
        with self._lock:
            for one in self._sockets:
                # shutdown, because close does not wake a thread that waits in recv.
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def silence(self) -> None:
        """Swallow what is still sent over the connections of now, as a network that went away does."""
        with self._lock:
            self._silenced = list(self._sockets)

    def cut_after(self, forwarded_bytes: int) -> None:
        """Cut once, when that many more bytes went through."""
        self._allowance = forwarded_bytes

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket() as server:
            if self._narrow:
                self._shape(server)
            try:
                server.connect(("127.0.0.1", self._target_port))
            except OSError:
                return
            with self._lock:
                self._sockets += [client, server]
            backwards = threading.Thread(target=self._forward, args=(server, client), daemon=True)
            backwards.start()
            self._forward(client, server)
            backwards.join()
            with self._lock:
                self._sockets = [one for one in self._sockets if one not in (client, server)]

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(WIFI_SEGMENT if self._narrow else 1 << 18):
                if source in self._silenced:
                    continue
                sink.sendall(data)
                with self._lock:
                    self.forwarded_bytes += len(data)
                self._allowance -= len(data)
                if self._allowance < 0:
                    self._allowance = float("inf")
                    self.cut()
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _shape(one: socket.socket) -> None:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, WIFI_SEGMENT)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, TINY_BUFFER)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, TINY_BUFFER)
