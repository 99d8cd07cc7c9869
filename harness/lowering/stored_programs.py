"""Where the program of a measured cell lies: in its run folder, or in the artifact cache."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from harness.analysis.runtimes import file_suffix
from harness.errors import HarnessError, MeasurementError, UsageError
from harness.lowering.artifact_store import (
    LARGEST_RECORD_BYTES,
    PROGRAM,
    RECORD,
    REFERENCE_INPUT,
    REFERENCE_OUTPUT,
    artifact_store,
)
from harness.records import Artifact
from harness.records.cell_files import refuse_link
from harness.records.decoding import Malformed, decode_json
from harness.system.files import copy_atomically, hash_file, read_regular_file
from harness.system.os_errors import describe, hint_for

PROGRAMS_FOLDER = "artifacts"


class Kept(Protocol):
    """A program and its record."""

    @property
    def artifact(self) -> Artifact:
        """What was lowered."""

    @property
    def program(self) -> Path:
        """Its file."""


class _Recorded(msgspec.Struct):
    """The part of an entry's record that says which files it holds."""

    sha256: str
    reference_input_sha256: str = ""
    reference_output_sha256: str | None = ""


def keep_programs(programs: Iterable[Kept], folder: Path) -> list[HarnessError]:
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


def _keep(stored: Kept, folder: Path) -> None:
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
    cached = _cached(lambda recorded: recorded.sha256 == artifact.sha256, PROGRAM)
    places = (*_own_places(artifact, folder), *cached)
    return next((file for file in places if _is_of(file, artifact)), None)


def find_reference_input(artifact: Artifact) -> Path | None:
    """The cache's file with the input that the artifact was checked with; several programs share one."""
    sha256 = artifact.reference_input_sha256
    size_bytes = sum(spec.size_bytes for spec in artifact.all_inputs)
    places = _cached(lambda recorded: recorded.reference_input_sha256 == sha256, REFERENCE_INPUT)
    return next((file for file in places if _holds(file, size_bytes, sha256)), None)


def find_reference_output(artifact: Artifact) -> Path | None:
    """The cache's file with the output that the artifact's reference gave."""
    if (sha256 := artifact.reference_output_sha256) is None:
        return None
    size_bytes = sum(spec.size_bytes for spec in artifact.all_outputs)
    places = _cached(lambda recorded: recorded.reference_output_sha256 == sha256, REFERENCE_OUTPUT)
    return next((file for file in places if _holds(file, size_bytes, sha256)), None)


def _own_places(artifact: Artifact, folder: Path) -> tuple[Path, Path]:
    """The second is for a run folder that has a program of the same name, from other weights."""
    name = artifact.variant.name
    programs = folder / PROGRAMS_FOLDER
    suffix = file_suffix(artifact.variant.runtime)
    return programs / f"{name}{suffix}", programs / f"{name}-{artifact.sha256[:10]}{suffix}"


def _cached(is_wanted: Callable[[_Recorded], bool], name: str) -> Iterator[Path]:
    """This file of each entry whose record is wanted; an entry's name says only what went into it."""
    entries: list[Path] = []
    # A cache that others may write, or that cannot be read, is as good as none.
    with suppress(OSError, UsageError):
        entries = sorted(artifact_store().glob(f"*/{RECORD}"))
    for record in entries:
        with suppress(OSError, Malformed):
            if is_wanted(decode_json(read_regular_file(record, LARGEST_RECORD_BYTES), _Recorded)):
                yield record.with_name(name)


def _is_of(file: Path, artifact: Artifact) -> bool:
    return _holds(file, artifact.size_bytes, artifact.sha256)


def _holds(file: Path, size_bytes: int, sha256: str) -> bool:
    with suppress(OSError):
        return file.stat().st_size == size_bytes and hash_file(file) == sha256
    return False
