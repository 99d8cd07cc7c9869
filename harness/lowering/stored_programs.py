"""Where the program of a measured cell lies: in its run folder, or in the artifact cache."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.lowering.cache import LARGEST_RECORD_BYTES, PROGRAM, RECORD, artifact_store
from harness.records import Artifact
from harness.records.decoding import Malformed, decode_json
from harness.system.files import hash_file, read_regular_file

PROGRAMS_FOLDER = "artifacts"


class _Recorded(msgspec.Struct):
    """The part of an entry's record that says which program it holds."""

    sha256: str


def find_program(artifact: Artifact, folder: Path) -> Path | None:
    """The file with the artifact's very bytes; None if neither the run folder nor the cache holds it.

    `harness lower --out FOLDER/artifacts` puts it into the run folder.
    """
    own = folder / PROGRAMS_FOLDER / f"{artifact.variant.name}.pte"
    return next((file for file in (own, *_cached(artifact.sha256)) if _is_of(file, artifact)), None)


def _cached(sha256: str) -> Iterator[Path]:
    """The programs of the cache whose record has this digest; an entry's name says only what went into it."""
    entries: list[Path] = []
    # A cache that others may write, or that cannot be read, is as good as none.
    with suppress(OSError, UsageError):
        entries = sorted(artifact_store().glob(f"*/{RECORD}"))
    for record in entries:
        with suppress(OSError, Malformed):
            if decode_json(read_regular_file(record, LARGEST_RECORD_BYTES), _Recorded).sha256 == sha256:
                yield record.with_name(PROGRAM)


def _is_of(file: Path, artifact: Artifact) -> bool:
    with suppress(OSError):
        return file.stat().st_size == artifact.size_bytes and hash_file(file) == artifact.sha256
    return False
