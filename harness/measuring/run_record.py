"""`run.json` at the start and at the end of a run: what was asked for, with what, and what was pushed."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.records import BaseRun, Cell, PushedArtifact, Run, RunRequest, Variant
from harness.records.run_folder import RUN_FILE, read_cells, read_run, write_run
from harness.system.provenance import describe_host, git_revision, installed_versions
from harness.system.text import printable


def start_record(
    request: RunRequest, folder: Path, variants: Iterable[Variant] = (), base: BaseRun | None = None
) -> Run:
    """Write what the run is made with, or read it where the run is continued.

    `variants` are those of weights files, `base` is the run that it is measured against.

    Raises:
        UsageError: the folder holds a run of another request, or cells of other weights of the same name.
    """
    if (folder / RUN_FILE).exists():
        saved = read_run(folder)
        if saved.request != request:
            raise UsageError(
                f"the run folder {folder} holds a run of another request", hint="choose another --out"
            )
        _refuse_other_weights(folder, variants)
        return saved
    record = Run(
        id=folder.resolve().name,
        started_at=_now(),
        finished_at=None,
        request=request,
        versions=installed_versions(),
        git_revision=git_revision(),
        host=describe_host(),
        artifacts=(),
        base=base,
    )
    write_run(folder, record)
    return record


def _refuse_other_weights(folder: Path, variants: Iterable[Variant]) -> None:
    """A weights file that was changed since would leave the cells of the old one beside those of the new."""
    given = {(variant.weights.source, variant.weights.sha256) for variant in variants}
    for cell in read_cells(folder):
        measured = cell.variant.weights
        now = sorted((sha256 or "")[:12] for source, sha256 in given if source == measured.source)
        if now and (measured.source, measured.sha256) not in given:
            raise UsageError(
                f"{printable(measured.source)} has changed since {cell.name} was measured:"
                f" its sha256 began {(measured.sha256 or '')[:12]}, and begins {' or '.join(now)} now",
                hint="measure the changed weights into another --out, or restore the earlier file and resume",
            )


def finish_record(record: Run, folder: Path, cells: Sequence[Cell]) -> None:
    """Add when the run ended, and what was pushed to its devices."""
    pushed = {
        cell.artifact.sha256: PushedArtifact(
            name=cell.variant.name, sha256=cell.artifact.sha256, size_bytes=cell.artifact.size_bytes
        )
        for cell in cells
    }
    write_run(folder, msgspec.structs.replace(record, finished_at=_now(), artifacts=tuple(pushed.values())))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
