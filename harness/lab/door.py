"""What is asked at a lab's address before Ray connects there: Ray itself tries again for minutes."""

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from harness.errors import TransportError, UsageError
from harness.lab.addresses import Address, refuse_silent
from harness.lab.environment import token_file
from harness.lab.ray_library import (
    AuthenticationError,
    GcsClient,
    Versions,
    get_cluster_metadata,
    own_versions,
)

GREETING_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 3.0
# RFC 9113, 3.4: how a client begins, with an empty SETTINGS frame, and the type of the frame that answers.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_EMPTY_SETTINGS = bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_FRAME_HEADER_BYTES = 9
_SETTINGS = 4

Answer = TypeVar("Answer")


def check_door(address: Address) -> None:
    """See that a lab answers at an address, takes our token, and has our versions of Ray and Python.

    Raises:
        TransportError: nothing answers, or something else than a lab.
        UsageError: the token is wrong, or a version differs.
    """
    refuse_silent(address)
    _refuse_other_protocol(address)
    try:
        with silent_stderr():
            answers = within(ANSWER_TIMEOUT_S, lambda: get_cluster_metadata(GcsClient(address=str(address))))
    except AuthenticationError as error:
        raise UsageError(
            f"the lab at {address} does not accept the token {token_file()}",
            hint="copy the token from the head's host, over SSH; `harness lab start` names the file there",
        ) from error
    except Exception as error:
        raise _no_lab(address) from error
    refuse_other_versions(address, Versions(answers["ray_version"], answers["python_version"]))


def within(timeout_s: float, work: Callable[[], Answer]) -> Answer:
    """What `work` returns or raises; if it is late, its thread goes on until the process ends.

    Raises:
        TimeoutError: it has not ended in time.
    """
    answers: list[Answer] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(work())
        except BaseException as error:  # raised again in the thread that waits
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(timeout_s)
    if failed:
        raise failed[0]
    if not answers:
        raise TimeoutError(f"no answer for {timeout_s:.0f} s")
    return answers[0]


def refuse_other_versions(address: Address, there: Versions) -> None:
    """Ray's version must be the same, and Python's but for the last part; raises UsageError."""
    here = own_versions()
    for name, theirs, own, parts in (
        ("Ray", there.ray, here.ray, 3),
        ("Python", there.python, here.python, 2),
    ):
        if theirs.split(".")[:parts] != own.split(".")[:parts]:
            raise UsageError(
                f"the lab at {address} has {name} {theirs}, this host has {own}",
                hint="install the same versions on all hosts",
            )


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Ray's C++ part logs each attempt to connect there."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _refuse_other_protocol(address: Address) -> None:
    """Ray's servers speak HTTP/2, and greet at once."""
    header = b""
    place = (address.host, address.port)
    with (
        contextlib.suppress(OSError),
        socket.create_connection(place, timeout=GREETING_TIMEOUT_S) as connection,
    ):
        connection.sendall(_PREFACE + _EMPTY_SETTINGS)
        while len(header) < _FRAME_HEADER_BYTES and (more := connection.recv(_FRAME_HEADER_BYTES)):
            header += more
    if len(header) < _FRAME_HEADER_BYTES or header[3] != _SETTINGS:
        raise _no_lab(address)


def _no_lab(address: Address) -> TransportError:
    return TransportError(
        f"what answers at {address} is not a lab",
        hint="give the address that `harness lab start` printed; `ss -ltnp` at its host shows what listens",
    )
