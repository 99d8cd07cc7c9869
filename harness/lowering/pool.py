"""Lower many variants in parallel processes and yield each artifact as soon as it is ready."""

import os
import selectors
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import IO

import msgspec

from harness.errors import LoweringError
from harness.lowering.artifact import find_cached
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.inputs import SEEDED, Inputs, LoweringInputs
from harness.lowering.own_programs import OwnProgram
from harness.lowering.worker import LoweringReply, request_for
from harness.records import Variant
from harness.records.progress import Log
from harness.system.platforms import free_memory_bytes, usable_cores
from harness.system.processes import start_local

Result = tuple[Variant, StoredArtifact | LoweringError]

WORKER = (sys.executable, "-m", "harness.lowering.worker")
# Measured peak of a worker at 1.0/224 int8, the costliest published variant, rounded up.
WORKER_BYTES = 700_000_000
VARIANT_TIMEOUT_S = 900
POLL_S = 0.2
LAST_WORDS_BYTES = 2000


def lower_all(
    variants: Sequence[Variant],
    *,
    inputs: Inputs | None = None,
    workers: int | None = None,
    allow_undelegated: bool = False,
    cancelled: threading.Event | None = None,
    log: Log = lambda text: None,
) -> Generator[Result, None, None]:
    """Yield each variant once with its artifact, or with the error that prevented it; cached ones first.

    Variants without an entry in `inputs` get seeded weights. No process is started when all are cached. A
    process that dies costs its own variant only. Closing the generator, an exception such as Ctrl-C, and
    setting `cancelled` end the processes at once.
    """
    known = inputs or {}
    missing: list[Variant] = []
    for variant in dict.fromkeys(variants):
        result = stored_here(variant, known, allow_undelegated=allow_undelegated, log=log)
        if result is None:
            missing.append(variant)
        else:
            yield variant, result
    if missing:
        pool = _Pool(missing, known, workers or default_workers(), allow_undelegated, log)
        try:
            yield from pool.run(cancelled or threading.Event())
        finally:
            pool.end()


def default_workers() -> int:
    """One process per core that this process may use, fewer if free memory is short or not known."""
    return max(1, min(usable_cores(), free_memory_bytes() // WORKER_BYTES))


def stored_here(
    variant: Variant, inputs: Inputs, *, allow_undelegated: bool, log: Log
) -> StoredArtifact | LoweringError | None:
    """The artifact of an own program, or one of the cache, or why neither can be used; None to lower it."""
    if own := inputs.get(variant, SEEDED).own:
        return _own_artifact(own, log)
    return _from_cache(variant, inputs, allow_undelegated, log)


def _from_cache(
    variant: Variant, inputs: Inputs, allow_undelegated: bool, log: Log
) -> StoredArtifact | LoweringError | None:
    files = inputs.get(variant, SEEDED)
    try:
        return find_cached(variant, files, log, allow_undelegated=allow_undelegated)
    except LoweringError as error:
        return error


def _own_artifact(own: OwnProgram, log: Log) -> StoredArtifact | LoweringError:
    """Of the user's own program, which runs once on this machine."""
    try:
        return own.store(log)
    except LoweringError as error:
        return error
    except OSError as error:
        return LoweringError(f"cannot keep {own.path}: {error}", variant=own.variant.name)


class _Worker:
    """One process and its current variant; importing torch takes seconds, so the process is reused."""

    def __init__(self) -> None:
        # It is not in the terminal's process group, so Ctrl-C does not reach it: `end` does.
        self.process = start_local(WORKER, env={"OMP_NUM_THREADS": "1"})
        self.variant: Variant | None = None
        self.deadline = 0.0
        self._reply = b""
        self._last_words = b""

    def give(self, variant: Variant, files: LoweringInputs) -> None:
        self.variant, self.deadline = variant, time.monotonic() + VARIANT_TIMEOUT_S
        request = request_for(variant, files)
        with suppress(BrokenPipeError):  # it died while idle, which its closed stdout shows
            _pipe(self.process.stdin).write(msgspec.json.encode(request) + b"\n")
            _pipe(self.process.stdin).flush()

    def take_reply(self, chunk: bytes) -> LoweringReply | None:
        """Take a piece of the reply; return it when it is complete."""
        self._reply += chunk
        if not self._reply.endswith(b"\n"):
            return None
        reply, self._reply = self._reply, b""
        return msgspec.json.decode(reply, type=LoweringReply)

    def take_words(self, chunk: bytes) -> None:
        """Take a piece of what it writes to standard error; the end of it is kept."""
        self._last_words = (self._last_words + chunk)[-LAST_WORDS_BYTES:]

    def describe_end(self, exit_code: int) -> str:
        """How it ended, with what it said last."""
        cause = (
            f"was killed by {signal.Signals(-exit_code).name}"
            if exit_code < 0
            else f"ended with exit code {exit_code}"
        )
        stderr = self._last_words.decode("utf-8", "replace").strip()
        return f"the lowering process {cause}" + (f": {stderr[-500:]!r}" if stderr else "")

    def end(self) -> int:
        """Kill the process if it still runs; return its exit code, negative for a signal."""
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()
        return self.process.returncode


class _Pool:
    """The workers and the variants that wait for one."""

    def __init__(
        self, variants: Sequence[Variant], inputs: Inputs, size: int, allow_undelegated: bool, log: Log
    ) -> None:
        self.waiting = deque(variants)
        self.inputs = inputs
        self.size = min(size, len(variants))
        self.allow_undelegated = allow_undelegated
        self.log = log
        self.workers: list[_Worker] = []
        self.selector = selectors.DefaultSelector()

    def run(self, cancelled: threading.Event) -> Iterator[Result]:
        for _ in range(self.size):
            self._start()
        while self.workers and not cancelled.is_set():
            for key, _ in self.selector.select(POLL_S):
                worker: _Worker = key.data
                if worker not in self.workers:
                    continue  # retired by an earlier event; its file numbers may belong to another worker now
                chunk = os.read(key.fd, 65536)
                if key.fileobj is worker.process.stderr:
                    worker.take_words(chunk)
                    if not chunk:
                        self.selector.unregister(key.fileobj)
                elif result := self._advance(worker, chunk):
                    yield result
            for worker in [w for w in self.workers if time.monotonic() > w.deadline]:
                yield self._lose(worker, f"lowering took longer than {VARIANT_TIMEOUT_S} s")

    def end(self) -> None:
        for worker in self.workers:
            worker.end()
        self.selector.close()

    def _start(self) -> None:
        worker = _Worker()
        self.workers.append(worker)
        self.selector.register(_pipe(worker.process.stdout), selectors.EVENT_READ, worker)
        self.selector.register(_pipe(worker.process.stderr), selectors.EVENT_READ, worker)
        self._give_next(worker)

    def _give_next(self, worker: _Worker) -> None:
        variant = self.waiting.popleft()
        worker.give(variant, self.inputs.get(variant, SEEDED))

    def _advance(self, worker: _Worker, chunk: bytes) -> Result | None:
        """Take a piece of a worker's reply; when complete, start its next variant and return the result."""
        variant = worker.variant
        if variant is None:
            return None
        if not chunk:
            return self._lose(worker, "")
        reply = worker.take_reply(chunk)
        if reply is None:
            return None
        if self.waiting:
            self._give_next(worker)
        else:
            self._retire(worker)
        return variant, self._result(variant, reply)

    def _result(self, variant: Variant, reply: LoweringReply) -> StoredArtifact | LoweringError:
        if reply.problem is not None:
            return LoweringError(reply.problem, hint=reply.hint, variant=variant.name)
        stored = _from_cache(variant, self.inputs, self.allow_undelegated, self.log)
        if isinstance(stored, StoredArtifact):
            return replace(stored, was_cached=False)
        return stored or LoweringError("the cache lost the artifact just stored", variant=variant.name)

    def _lose(self, worker: _Worker, reason: str) -> Result:
        """End a worker that died or hangs, and start another if variants are waiting."""
        variant = worker.variant
        exit_code = self._retire(worker)
        if self.waiting:
            self._start()
        if variant is None:
            raise LoweringError(f"an idle lowering process ended with exit code {exit_code}")
        return variant, LoweringError(
            reason or worker.describe_end(exit_code),
            hint="SIGKILL usually means that memory ran out: free some, then repeat the command",
            variant=variant.name,
        )

    def _retire(self, worker: _Worker) -> int:
        self.workers.remove(worker)
        for stream in (worker.process.stdout, worker.process.stderr):
            with suppress(KeyError):
                self.selector.unregister(_pipe(stream))
        return worker.end()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("start_local pipes every stream")
    return stream
