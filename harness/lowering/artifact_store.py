"""Where programs are kept with what they were checked with: a folder for each, which appears whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from harness.errors import LoweringError
from harness.records import Artifact, Variant
from harness.system.paths import cache_folder

PROGRAM, REFERENCE_INPUT, REFERENCE_OUTPUT, RECORD = "model.pte", "input.bin", "output.bin", "artifact.json"
# One variant takes seconds, half a minute on a busy core; the holder of the lock lowers this same variant.
LOCK_TIMEOUT_S = 600


# A record has some 3 kB; one with every operator outside the delegate some 10 kB.
LARGEST_RECORD_BYTES = 2**20


@dataclass(frozen=True)
class StoredArtifact:
    """An artifact and the paths of its files; one that is `unchecked` has no file with a reference output."""

    artifact: Artifact
    program: Path
    reference_input: Path
    reference_output: Path
    was_cached: bool
    unchecked: bool = False

    @classmethod
    def of_entry(cls, entry: Path, artifact: Artifact, *, was_cached: bool) -> Self:
        """The artifact whose files are in an entry's folder."""
        program, given, expected = (entry / name for name in (PROGRAM, REFERENCE_INPUT, REFERENCE_OUTPUT))
        unchecked = artifact.reference_output_sha256 is None
        return cls(artifact, program, given, expected, was_cached, unchecked)


@contextmanager
def hold_entry(key: str, variant: Variant) -> Iterator[None]:
    """Hold the entry's lock, so that of several processes only one lowers the variant.

    Raises:
        LoweringError: another process kept the lock for `LOCK_TIMEOUT_S`.
    """
    store = artifact_store()
    store.mkdir(parents=True, exist_ok=True)
    lock = FileLock(store / f"{key}.lock", timeout=LOCK_TIMEOUT_S)
    try:
        lock.acquire()
    except Timeout as error:
        raise LoweringError(
            f"another process has been lowering this variant for {LOCK_TIMEOUT_S} s",
            hint=f"end the process that holds {lock.lock_file}",
            variant=variant.name,
        ) from error
    try:
        yield
    finally:
        lock.release()


def artifact_store() -> Path:
    """The folder of all entries; raises UsageError where another user may write the cache."""
    return cache_folder() / "artifacts"
