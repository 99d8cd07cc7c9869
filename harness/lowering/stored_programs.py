"""Where the program of a measured cell lies: in its run folder, or in the artifact cache."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.errors import HarnessError, MeasurementError, UsageError
from harness.lowering.cache import LARGEST_RECORD_BYTES, PROGRAM, RECORD, StoredArtifact, artifact_store
from harness.records import Artifact
from harness.records.decoding import Malformed, decode_json
from harness.records.run_folder import refuse_link
from harness.system.files import copy_atomically, hash_file, read_regular_file
from harness.system.os_errors import describe, hint_for

PROGRAMS_FOLDER = "artifacts"


class _Recorded(msgspec.Struct):
    """The part of an entry's record that says which program it holds."""

    sha256: str


def keep_programs(programs: Iterable[StoredArtifact], folder: Path) -> list[HarnessError]:
    """Put the programs into the run folder, so that it holds what was measured; return the errors.

    On one file system they are links to the cache's files, which nothing writes to.
    """
    errors: list[HarnessError] = []
    for stored in programs:
        try:
            _keep(stored, folder)
        except UsageError as error:
            errors.append(error)
        except OSError as error:
            errors.append(
                MeasurementError(
                    f"cannot keep the program in {folder / PROGRAMS_FOLDER}: {describe(error)}",
                    hint=hint_for(error),
                    variant=stored.artifact.variant.name,
                )
            )
    return errors


def _keep(stored: StoredArtifact, folder: Path) -> None:
    refuse_link(folder / PROGRAMS_FOLDER)
    (folder / PROGRAMS_FOLDER).mkdir(exist_ok=True)
    places = _own_places(stored.artifact, folder)
    if any(_is_of(place, stored.artifact) for place in places):
        return
    place = next((place for place in places if not os.path.lexists(place)), places[-1])
    try:
        os.link(stored.program, place)
    except OSError:  # another file system, one without links, or something else under the name
        copy_atomically(stored.program, place)


def find_program(artifact: Artifact, folder: Path) -> Path | None:
    """The file with the artifact's very bytes; None if neither the run folder nor the cache holds it.

    `harness lower --out FOLDER/artifacts` puts it into the run folder.
    """
    places = (*_own_places(artifact, folder), *_cached(artifact.sha256))
    return next((file for file in places if _is_of(file, artifact)), None)


def _own_places(artifact: Artifact, folder: Path) -> tuple[Path, Path]:
    """The second is for a run folder that has a program of the same name, from other weights."""
    name = artifact.variant.name
    programs = folder / PROGRAMS_FOLDER
    return programs / f"{name}.pte", programs / f"{name}-{artifact.sha256[:10]}.pte"


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
