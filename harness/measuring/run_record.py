"""`run.json` at the start and at the end of a run: what was asked for, with what, and what was pushed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.records import Cell, PushedArtifact, Run, RunRequest
from harness.records.run_folder import RUN_FILE, read_run, write_run
from harness.system.provenance import describe_host, git_revision, installed_versions


def start_record(request: RunRequest, folder: Path) -> Run:
    """Write what the run is made with, or read it where the run is continued.

    Raises:
        UsageError: the folder holds a run of another request.
    """
    if (folder / RUN_FILE).exists():
        saved = read_run(folder)
        if saved.request != request:
            raise UsageError(
                f"the run folder {folder} holds a run of another request", hint="choose another --out"
            )
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
    )
    write_run(folder, record)
    return record


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
