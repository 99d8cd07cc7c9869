"""Lower in another thread while devices measure; each artifact is a future to wait for."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

from harness.errors import LoweringError
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.inputs import Inputs
from harness.lowering.pool import lower_all
from harness.records import Variant
from harness.records.progress import Log

Artifacts = Mapping[Variant, Future[StoredArtifact]]


# Settles the futures, until the event is set.
Settle = Callable[[Artifacts, threading.Event], None]


@contextmanager
def lower_in_background(
    variants: Sequence[Variant],
    *,
    inputs: Inputs | None = None,
    allow_undelegated: bool,
    on_lowered: Callable[[StoredArtifact, int], None],
    log: Log = lambda text: None,
) -> Iterator[Artifacts]:
    """Yield a future for each variant; leaving the block stops the lowering that is not finished.

    `on_lowered` is called in another thread for each artifact that was not in the cache, with the artifact
    and the number of variants that are done.
    """

    def lower(artifacts: Artifacts, cancelled: threading.Event) -> None:
        results = lower_all(
            tuple(artifacts),
            inputs=inputs,
            allow_undelegated=allow_undelegated,
            cancelled=cancelled,
            log=log,
        )
        for done, (variant, result) in enumerate(results, 1):
            if isinstance(result, LoweringError):
                artifacts[variant].set_exception(result)
            else:
                artifacts[variant].set_result(result)
                if not result.was_cached:
                    on_lowered(result, done)

    with settle_in_background(variants, lower) as artifacts:
        yield artifacts


@contextmanager
def settle_in_background(variants: Sequence[Variant], settle: Settle) -> Iterator[Artifacts]:
    """Yield a future for each variant, which `settle` settles in another thread.

    What `settle` raises is the error of all that it has not settled. Leaving the block sets its event, and
    waits for its end.
    """
    artifacts: dict[Variant, Future[StoredArtifact]] = {variant: Future() for variant in variants}
    cancelled = threading.Event()

    def run() -> None:
        try:
            settle(artifacts, cancelled)
        except Exception as error:  # raised again where the artifact is awaited
            for future in artifacts.values():
                if not future.done():
                    future.set_exception(error)

    thread = threading.Thread(target=run, name="lowering")
    thread.start()
    try:
        yield artifacts
    finally:
        cancelled.set()
        thread.join()
