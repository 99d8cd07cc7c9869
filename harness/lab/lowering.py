"""Lowering anywhere in the lab: each variant once, on a host that has the packages for it."""

import hashlib
import tempfile
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import LoweringError
from harness.lab.connection import LOWERING, Lab
from harness.lab.ray_library import RayError, ray
from harness.lab.sent_errors import receive, send
from harness.lab.shipping import Lowered, contents_of, keep
from harness.lowering.artifact import find_cached
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.background import Artifacts, settle_in_background
from harness.lowering.inputs import SEEDED, Inputs, LoweringInputs
from harness.lowering.pool import stored_here
from harness.lowering.worker import answer, request_for
from harness.records import RunRequest, Variant
from harness.records.progress import Event, Listener
from harness.records.requests import Observer
from harness.system.files import write_atomically
from harness.system.foreign_errors import as_harness_error
from harness.system.paths import cache_folder
from harness.system.plain_paths import plain_temporary_folder

# A host that dies takes its variants with it: Ray lowers them on another one.
RETRIES = 3
POLL_S = 0.2


@dataclass(frozen=True)
class SentInputs:
    """`LoweringInputs` whose files are references into the object store."""

    weights: Any
    calibration_images: Any
    observer: Observer


def lower_in_lab(
    lab: Lab, variants: Sequence[Variant], request: RunRequest, listen: Listener, inputs: Inputs | None
) -> AbstractContextManager[Artifacts]:
    """Yield a future for each variant; what this host has is not lowered again, the rest by any host.

    Leaving the block ends the lowering that is not finished.
    """

    def settle(artifacts: Artifacts, cancelled: threading.Event) -> None:
        _Lowering(lab, request, listen, inputs or {}, artifacts, cancelled).run()

    return settle_in_background(variants, settle)


@dataclass(frozen=True)
class _Lowering:
    lab: Lab
    request: RunRequest
    listen: Listener
    inputs: Inputs
    artifacts: Artifacts
    cancelled: threading.Event

    def run(self) -> None:
        """Settle every future, or raise what is the error of the rest."""
        missing = [variant for variant in self.artifacts if not self._settle_here(variant)]
        if missing and not any(host.lowering_workers for host in self.lab.hosts):
            raise LoweringError(
                f"{len(missing)} variants must be lowered, and no host of the lab can",
                hint="pip install 'mobilenet-harness[lower]' on one of its hosts, and join again",
            )
        sent: dict[Path, Any] = {}
        pending = {self._start(variant, sent): variant for variant in missing}
        while pending and not self.cancelled.is_set():
            for reference in ray.wait(list(pending), num_returns=len(pending), timeout=POLL_S)[0]:
                self._settle(pending.pop(reference), reference)
        for reference in pending:
            ray.cancel(reference, force=True)

    def _settle_here(self, variant: Variant) -> bool:
        """Whether this host has the program, or the reason why there is none."""
        found = stored_here(
            variant,
            self.inputs,
            allow_undelegated=self.request.allow_undelegated,
            log=lambda text: self.listen(Event("", text)),
        )
        if isinstance(found, LoweringError):
            self.artifacts[variant].set_exception(found)
        elif found is not None:
            self.artifacts[variant].set_result(found)
        return found is not None

    def _start(self, variant: Variant, sent: dict[Path, Any]) -> Any:
        files = self.inputs.get(variant, SEEDED)

        def share(path: Path | None) -> Any:
            if path is None:
                return None
            if path not in sent:
                sent[path] = ray.put(path.read_bytes())
            return sent[path]

        inputs = SentInputs(share(files.weights_file), share(files.calibration_images), files.observer)
        return LowerThere.remote(variant, inputs, self.request.allow_undelegated)

    def _settle(self, variant: Variant, reference: Any) -> None:
        future = self.artifacts[variant]
        try:
            lowered: Lowered = ray.get(reference)
            if lowered.error:
                raise receive(lowered.error)
            future.set_result(keep(lowered))
        except RayError as error:
            future.set_exception(
                LoweringError(
                    f"the hosts that lowered it are gone: {type(error).__name__}",
                    hint="`harness lab status` shows which hosts are there",
                    variant=variant.name,
                )
            )
        except Exception as error:
            future.set_exception(as_harness_error(error))
        else:
            done = sum(one.done() for one in self.artifacts.values())
            self.listen(Event("", f"lowered {variant.name}", step=done, steps=len(self.artifacts)))


def lower_there(variant: Variant, inputs: SentInputs, allow_undelegated: bool) -> Lowered:
    """Lower on the host where this runs, or find it in that host's cache.

    It is lowered in this process, which Ray keeps for the next variant: importing torch takes seconds.
    """
    try:
        files = LoweringInputs(
            weights_file=_received(inputs.weights, ".pt"),
            calibration_images=_received(inputs.calibration_images, ".bin"),
            observer=inputs.observer,
        )
        found = find_cached(variant, files, allow_undelegated=allow_undelegated)
        return contents_of(found or _lower(variant, files, allow_undelegated))
    except Exception as error:
        return Lowered(None, {}, send(error))


LowerThere = ray.remote(num_cpus=0, resources={LOWERING: 1}, max_retries=RETRIES)(lower_there)


def _lower(variant: Variant, files: LoweringInputs, allow_undelegated: bool) -> StoredArtifact:
    tempfile.tempdir = plain_temporary_folder()
    reply = answer(request_for(variant, files))
    if reply.problem is not None:
        raise LoweringError(reply.problem, hint=reply.hint, variant=variant.name)
    stored = find_cached(variant, files, allow_undelegated=allow_undelegated)
    if stored is None:
        raise LoweringError("the cache lost the artifact just stored", variant=variant.name)
    return stored


def _received(reference: Any, suffix: str) -> Path | None:
    """A file of another host, under its digest in this host's cache."""
    if reference is None:
        return None
    content: bytes = ray.get(reference)
    folder = cache_folder() / "lab" / "files"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(content).hexdigest()}{suffix}"
    if not path.is_file() or path.read_bytes() != content:
        write_atomically(path, content)
    return path
