"""Run folders at URLs: which there are, and what of them is copied so that the ordinary reader reads it."""

import posixpath
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness.errors import UsageError
from harness.records.base_cells import BASE_FOLDER
from harness.records.cell_files import CELLS_FOLDER, LARGEST_FILE_BYTES
from harness.records.run_folder import RUN_FILE
from harness.system.remote_storage import Entry, Storage
from harness.system.text import printable
from harness.system.urls import shown_url

# Ten years of nights, and the files of a run of every variant, placement and rate on a hundred devices.
MOST_RUNS = 4_000
MOST_FILES = 50_000
# Cells of 1,000 devices over a night, or of one over ten years.
LARGEST_COPY_BYTES = 64 * 2**30
_WILDCARD = re.compile(r"[*\[]")


@dataclass(frozen=True, eq=False)
class RemoteRun:
    """A run folder at a URL; `entries` is what its listing has."""

    storage: Storage
    path: str
    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        """The last part of its path, by which reports of several runs are named."""
        last = self.path.rstrip("/").rpartition("/")[2]
        return last if Entry(self.path, last, True, None).has_safe_name else "run"

    @property
    def shown(self) -> str:
        """Its URL, as it may be printed."""
        return self.storage.shown(self.path)


def find_runs(url: str) -> tuple[RemoteRun, ...]:
    """The run folder at the URL; or those that its `*` match, or that lie directly in it, by name.

    Raises:
        UsageError: there is none, too many, or the storage cannot be read.
    """
    storage = Storage(url)
    if not _WILDCARD.search(storage.path):
        here = RemoteRun(storage, storage.path, next(storage.list_each([storage.path])))
        if _is_run(here.entries):
            return (here,)
        folders = [entry.path for entry in here.entries if entry.is_folder and entry.has_safe_name]
    else:
        folders = _match(storage, url)
    _refuse_more(len(folders), MOST_RUNS, url, "folders")
    listed = zip(folders, storage.list_each(folders, may_lack=True), strict=True)
    runs = tuple(RemoteRun(storage, path, entries) for path, entries in listed if _is_run(entries))
    if not runs:
        raise UsageError(
            f"there is no run folder at {shown_url(url)}: neither it nor a folder in it has a {RUN_FILE}",
            hint="name a folder that `harness run` wrote (its --out), as it was uploaded",
        )
    return runs


def _is_run(entries: Sequence[Entry]) -> bool:
    return any(entry.name == RUN_FILE and not entry.is_folder for entry in entries)


def _match(storage: Storage, url: str) -> list[str]:
    """The folders that a path with `*` or `[` in its parts names; perhaps not all are there."""
    parts = storage.path.split("/")
    first = next(at for at, part in enumerate(parts) if _WILDCARD.search(part))
    if any("**" in part for part in parts):
        raise UsageError(f"{shown_url(url)} could stand for a whole storage", hint="name each level by one *")
    folders = ["/".join(parts[:first])]
    for part in parts[first:]:
        if not _WILDCARD.search(part):
            folders = [f"{folder}/{part}".removeprefix("/" if not folder else "") for folder in folders]
            continue
        folders = [
            entry.path
            for entries in storage.list_each(folders, may_lack=len(folders) > 1)
            for entry in entries
            if entry.is_folder and entry.has_safe_name and fnmatchcase(entry.name, part)
        ]
        _refuse_more(len(folders), MOST_RUNS, url, "folders")
    return folders


def copy_runs(copies: Mapping[RemoteRun, Path], parts: Collection[str]) -> None:
    """Copy what reading needs of each run into its folder: `run.json`, the cells and these parts.

    Nothing is copied before all names and sizes are checked.

    Raises:
        UsageError: a name is none of a file here, something is too large, or the storage cannot be read.
    """
    for storage in dict.fromkeys(run.storage for run in copies):
        files = list(
            _list_files(storage, {run: copies[run] for run in copies if run.storage is storage}, parts)
        )
        _check_sizes(storage, files, next(iter(copies.values())))
        contents = storage.read_each([entry for entry, _ in files])
        for (_, place), content in zip(files, contents, strict=True):
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as file:
                file.writelines(content)


def _list_files(
    storage: Storage, copies: Mapping[RemoteRun, Path], parts: Collection[str]
) -> Iterator[tuple[Entry, Path]]:
    """Each file to copy and where to; the listings of all runs' folders are asked for at once."""
    wanted: list[tuple[Entry, Path]] = []
    bases: list[tuple[Entry, Path]] = []
    for run, folder in copies.items():
        for entry in run.entries:
            if entry.name == RUN_FILE and not entry.is_folder:
                yield entry, folder / RUN_FILE
            elif entry.is_folder and (entry.name == CELLS_FOLDER or entry.name in parts):
                kept = bases if entry.name == BASE_FOLDER else wanted
                kept.append((entry, folder / entry.name))
    for (_, folder), entries in zip(bases, storage.list_each([e.path for e, _ in bases]), strict=True):
        wanted += [(e, folder / e.name) for e in entries if e.is_folder and e.name == CELLS_FOLDER]
    listings = storage.list_each([entry.path for entry, _ in wanted])
    for (listed, folder), entries in zip(wanted, listings, strict=True):
        _refuse_more(len(entries), MOST_FILES, storage.shown(listed.path), "files")
        for entry in entries:
            if not entry.is_folder and entry.name.endswith(".json"):
                yield _named_safely(storage, entry), folder / entry.name


def _named_safely(storage: Storage, entry: Entry) -> Entry:
    if not entry.has_safe_name:
        raise UsageError(
            f"a file at {storage.shown(posixpath.dirname(entry.path))} has a name that no file here gets:"
            f" {printable(entry.name)[:100]!r}",
            hint="delete or rename it in the storage; the harness has not written it",
        )
    return entry


def _check_sizes(storage: Storage, files: Sequence[tuple[Entry, Path]], place: Path) -> None:
    for entry, _ in files:
        if entry.size_bytes is None:
            raise UsageError(
                f"the size of {storage.shown(entry.path)} is not known before it is read",
                hint="copy the run folder here with the storage's own program, and name the copy",
            )
        if entry.size_bytes > LARGEST_FILE_BYTES:
            raise UsageError(
                f"{storage.shown(entry.path)} has {entry.size_bytes / 2**20:,.0f} MiB;"
                f" a file of a run has at most {LARGEST_FILE_BYTES / 2**20:g}",
                hint="delete it in the storage, or restore it from the lab's own copy",
            )
    total = sum(entry.size_bytes or 0 for entry, _ in files)
    free = shutil.disk_usage(place).free
    if total > min(free, LARGEST_COPY_BYTES):
        raise UsageError(
            f"the runs have {total / 2**30:.1f} GiB; {place} has room for {free / 2**30:.1f} GiB, and at"
            f" most {LARGEST_COPY_BYTES / 2**30:g} are copied",
            hint="name fewer runs, or set TMPDIR to a folder with more room",
        )


def _refuse_more(number: int, most: int, place: str, what: str) -> None:
    if number > most:
        raise UsageError(
            f"{shown_url(place)} has {number:,} {what}; at most {most:,} are read", hint="name a part of them"
        )
