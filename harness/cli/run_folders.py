"""The run folders that a command line names: on this machine, or at URLs, which are copied first."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.application import log_step
from harness.errors import HarnessError, UsageError
from harness.system.urls import is_url, shown_url

if TYPE_CHECKING:
    from harness.records import Cell
    from harness.records.remote_runs import RemoteRun
    from harness.records.run_folder import LoadedRuns

# What `harness history` writes beside run folders.
PAGE = "history.html"
_NUMBERS = count()


@dataclass(frozen=True)
class RunFolders:
    """Run folders on this machine, each once; `copies` has the URL of those that were copied."""

    folders: tuple[Path, ...]
    copies: Mapping[Path, str]

    @property
    def place(self) -> Path:
        """Where a page on all of them goes: beside the first; in the current folder, where it is a copy."""
        return Path.cwd() if self.folders[0] in self.copies else self.folders[0].parent

    def load(
        self, keep: "Callable[[Cell], Cell]" = lambda cell: cell
    ) -> "tuple[LoadedRuns, tuple[HarnessError, ...]]":
        """Load them without their damaged cells, each of which has an error, as `load_intact_runs` does."""
        from harness.records.run_folder import load_intact_runs

        with self.urls_in_errors():
            runs, errors = load_intact_runs(self.folders, keep=keep)
        for folder, (_, cells) in zip(self.folders, runs, strict=True):
            log_step(
                f"{self.copies.get(folder, folder)}: read {len(cells)} cell{'' if len(cells) == 1 else 's'}"
            )
        return runs, tuple(map(self.with_url, errors))

    def __iter__(self) -> "Iterator[RunFolders]":
        """Each folder apart."""
        return (RunFolders((folder,), self.copies) for folder in self.folders)

    @contextmanager
    def urls_in_errors(self) -> Iterator[None]:
        """Errors of the block name a copied folder by its URL."""
        try:
            yield
        except HarnessError as error:
            self.with_url(error)
            raise

    def with_url(self, error: HarnessError) -> HarnessError:
        """The error, which names a copied folder by its URL."""
        for folder, url in self.copies.items():
            if str(folder) in error.what:
                # Our hints speak of a folder that can be written.
                error.reword(
                    error.what.replace(str(folder), url),
                    hint="correct the run folder where it was measured, and upload it again",
                )
        return error


def open_run_folders(named: Sequence[str | Path], *parts: str) -> RunFolders:
    """The run folders, and of those at URLs copies of `run.json`, the cells and these parts.

    A URL with `*`, or of a folder that holds run folders, names several. The copies are removed when the
    process ends.

    Raises:
        UsageError: a URL cannot be read, or names no run folder.
    """
    return _with_copies(_find(named), parts)


def open_one_run_folder(named: str | Path, *parts: str) -> RunFolders:
    """The same for exactly one run folder.

    Raises:
        UsageError: as `open_run_folders`, or the URL names several.
    """
    found = _find([named])
    if len(found) > 1:
        raise UsageError(
            f"{shown_url(str(named))} names {len(found)} run folders, and one is needed",
            hint="name one of them: " + " or ".join(_name(one) for one in found[:2]),
        )
    return _with_copies(found, parts)


def refuse_url(place: Path | None, option: str = "--out") -> None:
    """Raise UsageError where something is to be written at a URL; a path has lost one of its slashes."""
    if place is not None and is_url(str(place).replace(":/", "://", 1)):
        raise UsageError(
            f"{option} names a URL, and nothing is written at a URL",
            hint="name a folder of this machine, and upload what is written there",
        )


def base_path(base: Path | None) -> str | None:
    """The absolute path of the folder that --against names.

    Raises:
        UsageError: it is a URL: the programs of a base, which are pushed, are not copied from there.
    """
    if base is None:
        return None
    if is_url(str(base).replace(":/", "://", 1)) and not os.path.lexists(base):
        raise UsageError(
            "--against names a URL, and the programs of a base are read from a folder of this machine only",
            hint="copy the run folder here, with its artifacts, and name the copy",
        )
    return str(base.resolve())


def _find(named: Sequence[str | Path]) -> "list[Path | RemoteRun]":
    """Each run folder once, in this order.

    A pattern such as `results/*` also names the pages that earlier commands wrote beside the runs.
    """
    found: dict[object, Path | RemoteRun] = {}
    for word in map(str, named):
        if is_url(word) and not os.path.lexists(word):
            from harness.records.remote_runs import find_runs

            found |= {(run.storage.identity, run.path): run for run in find_runs(word)}
        else:
            place = Path(word).resolve()
            found[place] = place
    runs = [one for one in found.values() if not (isinstance(one, Path) and _is_page(one))]
    return runs or list(found.values())


def _is_page(place: Path) -> bool:
    """Whether it is the page of a history, or the folder of a report, which is no run's."""
    if place.is_file():
        return place.name == PAGE
    return (
        all((place / name).is_file() for name in ("index.html", "report.md"))
        and not (place / "run.json").exists()
    )


def _name(one: "Path | RemoteRun") -> str:
    return str(one) if isinstance(one, Path) else one.shown


def _with_copies(found: "Sequence[Path | RemoteRun]", parts: Sequence[str]) -> RunFolders:
    copies = _copy([one for one in found if not isinstance(one, Path)], parts)
    folders = tuple(one if isinstance(one, Path) else copies[one] for one in found)
    return RunFolders(folders, {folder: run.shown for run, folder in copies.items()})


def _copy(runs: "Sequence[RemoteRun]", parts: Sequence[str]) -> "dict[RemoteRun, Path]":
    if not runs:
        return {}
    from harness.records.remote_runs import copy_runs

    copies = {run: _temporary_folder() / str(next(_NUMBERS)) / run.name for run in runs}
    for folder in copies.values():
        folder.mkdir(parents=True)
    copy_runs(copies, parts)
    return copies


@cache
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="harness-")).resolve()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
