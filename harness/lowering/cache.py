"""The content-addressed store of lowered programs: a warm hit imports no torch and takes milliseconds."""

import hashlib
import importlib.metadata
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from harness.errors import LoweringError, UsageError
from harness.lowering.precisions import PRECISIONS, RANDOM_CALIBRATION
from harness.lowering.silence import quietly
from harness.records import DEFAULT_OBSERVER, Artifact, Observer, Variant
from harness.system.paths import PROJECT, cache_folder

if TYPE_CHECKING:
    from harness.lowering.program import LoweredProgram

# Whatever changes a program's bytes without a version of its own.
SOURCES = (
    "models/mobilenet_v1.py",
    "harness/lowering/fp16.py",
    "harness/lowering/int8_reference.py",
    "harness/lowering/observers.py",
    "harness/lowering/precisions.py",
    "harness/lowering/program.py",
    "harness/lowering/synthetic_images.py",
)
DISTRIBUTIONS = ("torch", "executorch", "torchao")
PROGRAM, REFERENCE_INPUT, REFERENCE_OUTPUT, RECORD = "model.pte", "input.bin", "output.bin", "artifact.json"
# One variant takes seconds, half a minute on a busy core; whoever holds the lock is at the same variant.
LOCK_TIMEOUT_S = 600


@dataclass(frozen=True)
class LoweringInputs:
    """What a variant is lowered from; without files weights are seeded and calibration is synthetic."""

    weights_file: Path | None = None
    calibration_images: Path | None = None
    observer: Observer = DEFAULT_OBSERVER


SEEDED = LoweringInputs()


@dataclass(frozen=True)
class StoredArtifact:
    """An artifact and where its bytes lie in the cache."""

    artifact: Artifact
    program: Path
    reference_input: Path
    reference_output: Path
    was_cached: bool


def artifact_key(variant: Variant, files: LoweringInputs = SEEDED) -> str:
    """SHA-256 over everything that changes the program's bytes: inputs, library versions, our own sources.

    Raises:
        UsageError: unreadable files, or a variant that names weights when none were given.
    """
    if (variant.weights.source == "random") != (files.weights_file is None):
        raise UsageError(
            f"weights {variant.weights.source!r} and a weights file of {files.weights_file}"
            " contradict each other",
            variant=variant.name,
        )
    calibrated = PRECISIONS[variant.precision].calibrated
    # The file's own hash, or the seed, counts; a variant read back from an artifact asks for the same.
    weights = msgspec.structs.replace(variant.weights, sha256=None)
    parts = {
        "variant": msgspec.structs.replace(variant, weights=weights),
        "weights": _hash_input(files.weights_file),
        "calibration": (_hash_input(files.calibration_images) or RANDOM_CALIBRATION) if calibrated else None,
        "observer": files.observer if calibrated else None,
        "versions": library_versions(),
        "sources": {source: hash_file(PROJECT / source) for source in SOURCES},
    }
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def find_cached(
    variant: Variant, files: LoweringInputs = SEEDED, *, allow_undelegated: bool = False
) -> StoredArtifact | None:
    """The stored artifact when it is there and whole, else None; never imports torch.

    Raises:
        LoweringError: it is there, but not one delegate, and `allow_undelegated` is not given.
    """
    key = artifact_key(variant, files)
    stored = _read(_store() / key)
    return stored and _delegated(stored, allow_undelegated)


def lower_cached(
    variant: Variant, files: LoweringInputs = SEEDED, *, allow_undelegated: bool = False
) -> StoredArtifact:
    """The artifact from the cache, or lowered now; of several processes that ask, one lowers.

    Raises:
        LoweringError: it cannot be lowered, or not to one delegate and `allow_undelegated` is not given.
    """
    key = artifact_key(variant, files)
    store = _store()
    stored = _read(store / key)
    if stored is None:
        store.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(store / f"{key}.lock", timeout=LOCK_TIMEOUT_S):
                # Another process may have stored it while this one waited.
                stored = _read(store / key) or _lower(variant, key, files)
        except Timeout as error:
            raise LoweringError(
                f"another process has been lowering for {LOCK_TIMEOUT_S} s",
                hint=f"end the process that holds {store / key}.lock",
                variant=variant.name,
            ) from error
    return _delegated(stored, allow_undelegated)


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that decide a program's bytes, read without importing them."""
    return {name: importlib.metadata.version(name) for name in DISTRIBUTIONS}


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hash_input(path: Path | None) -> str | None:
    try:
        return hash_file(path) if path else None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _store() -> Path:
    return cache_folder() / "artifacts"


def _read(entry: Path) -> StoredArtifact | None:
    """An entry whose record decodes and whose three files have the recorded SHA-256, else None."""
    try:
        artifact = msgspec.json.decode((entry / RECORD).read_bytes(), type=Artifact)
        expected = {
            PROGRAM: artifact.sha256,
            REFERENCE_INPUT: artifact.reference_input_sha256,
            REFERENCE_OUTPUT: artifact.reference_output_sha256,
        }
        if any(hash_file(entry / name) != sha256 for name, sha256 in expected.items()):
            return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return _stored(entry, artifact, was_cached=True)


def _stored(entry: Path, artifact: Artifact, *, was_cached: bool) -> StoredArtifact:
    return StoredArtifact(
        artifact, entry / PROGRAM, entry / REFERENCE_INPUT, entry / REFERENCE_OUTPUT, was_cached
    )


def _delegated(stored: StoredArtifact, allow_undelegated: bool) -> StoredArtifact:
    """Refuse what would measure portable kernels instead of XNNPACK."""
    artifact = stored.artifact
    if allow_undelegated or (artifact.delegates == 1 and not artifact.undelegated_nodes):
        return stored
    outside = ", ".join(artifact.undelegated_nodes) or "none"
    raise LoweringError(
        f"XNNPACK did not take the whole network: {artifact.delegates} delegates, outside: {outside}",
        hint="change the network so that it is taken, or measure it as it is with --allow-undelegated",
        variant=artifact.variant.name,
    )


def _lower(variant: Variant, key: str, files: LoweringInputs) -> StoredArtifact:
    # Costs seconds and half a gigabyte: only when something is really lowered.
    with quietly():
        from harness.lowering.program import lower_variant

    lowered = lower_variant(variant, files)
    artifact = _record(variant, lowered)
    store = _store()
    # We hold this key's lock, so temporary folders of its name were left by processes that were killed.
    for left_over in store.glob(f".{key}-*"):
        shutil.rmtree(left_over)
    folder = Path(tempfile.mkdtemp(prefix=f".{key}-", dir=store))
    (folder / PROGRAM).write_bytes(lowered.program)
    (folder / REFERENCE_INPUT).write_bytes(lowered.reference_input)
    (folder / REFERENCE_OUTPUT).write_bytes(lowered.reference_output)
    (folder / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(artifact)))
    entry = store / key
    if entry.exists():  # damaged, else it had been found
        shutil.rmtree(entry)
    folder.rename(entry)
    return _stored(entry, artifact, was_cached=False)


def _record(variant: Variant, lowered: "LoweredProgram") -> Artifact:
    # Of a checkpoint the user's own file is named, not what it was converted to.
    sha256 = variant.weights.sha256 or lowered.weights_sha256
    weights = msgspec.structs.replace(variant.weights, sha256=sha256)
    return Artifact(
        variant=msgspec.structs.replace(variant, weights=weights),
        sha256=hashlib.sha256(lowered.program).hexdigest(),
        size_bytes=len(lowered.program),
        macs=lowered.macs,
        params=lowered.params,
        delegates=lowered.delegates,
        delegated_nodes=lowered.delegated_nodes,
        undelegated_nodes=lowered.undelegated_nodes,
        planned_arena_bytes=lowered.planned_arena_bytes,
        input=lowered.input,
        output=lowered.output,
        calibration=lowered.calibration,
        versions=library_versions(),
        lowering_seconds=lowered.seconds,
        reference_input_sha256=hashlib.sha256(lowered.reference_input).hexdigest(),
        reference_output_sha256=hashlib.sha256(lowered.reference_output).hexdigest(),
    )
