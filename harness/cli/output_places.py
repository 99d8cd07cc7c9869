"""Where a command writes: a place that cannot be written is refused before any work, with nothing made."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from harness.cli.run_folders import refuse_url
from harness.errors import UsageError
from harness.system.os_errors import hint_for
from harness.system.text import shell_word

RESULTS = Path("results")
DEFAULT_OUT = "the default --out"


def check_output_file(file: Path, option: str = "--out") -> Path:
    """A file that can be written or replaced; the folders it lies in may be missing.

    Raises:
        UsageError: it is a URL, stdout, a folder, a device, a pipe or part of a run's record, or nothing can
            be written there.
    """
    _refuse_other_places(file, option)
    with _unwritable(file, option):
        if file.is_dir():
            raise UsageError(
                f"{option} {file} is a folder, and a file is to be written", hint="name a file in it"
            )
        if file.exists() and not file.is_file():
            raise UsageError(
                f"{option} {file} is not a regular file, and would be replaced by one",
                hint="name another file",
            )
        _refuse_recorded(file, file.parent, option)
        _try_to_write(file.parent)
    return file


def check_output_folder(folder: Path, option: str = "--out") -> Path:
    """A folder that can be written or made; those it lies in may be missing, too.

    Raises:
        UsageError: it is a URL, stdout, a file or part of a run's record, or nothing can be written there.
    """
    _refuse_other_places(folder, option)
    with _unwritable(folder, option):
        if folder.exists() and not folder.is_dir():
            raise UsageError(
                f"{option} {folder} is a file, and a folder is to be written", hint="name a folder"
            )
        _refuse_recorded(folder, folder, option)
        _try_to_write(folder)
    return folder


def _refuse_other_places(place: Path, option: str) -> None:
    refuse_url(place, option)
    if place == Path("-"):
        raise UsageError(f"{option} - : this is not written to stdout", hint="name a place, such as ./out")


def _refuse_recorded(place: Path, folder: Path, option: str) -> None:
    """What a run wrote for itself is not replaced by, or mixed with, what is written in `folder`."""
    from harness.lowering.stored_programs import PROGRAMS_FOLDER
    from harness.records.cell_files import CELLS_FOLDER
    from harness.records.run_folder import RUN_FILE

    resolved = folder.resolve()
    if place.name == RUN_FILE and place.exists():
        run = resolved
    elif resolved.name in (CELLS_FOLDER, PROGRAMS_FOLDER) and (resolved.parent / RUN_FILE).exists():
        run = resolved.parent
    else:
        return
    raise UsageError(
        f"{option} {place} belongs to the record of the run {run}", hint="name a place outside that folder"
    )


@contextmanager
def _unwritable(place: Path, option: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"{option} {place} cannot be written: {error.strerror}"
        raise UsageError(what, hint=hint_for(error) or "name another place") from error


def _try_to_write(folder: Path) -> None:
    """Write a file without a name in this folder, or in the one that it would be made in.

    Permissions do not tell: root may write a folder of /proc, which takes no file.
    """
    inside = folder.absolute()
    there = next(one for one in (inside, *inside.parents) if os.path.lexists(one))
    with tempfile.TemporaryFile(dir=there):
        pass


def check_checkpoint(out: Path) -> Path:
    """Where a checkpoint can be written; raises UsageError."""
    if out.suffix != ".safetensors":
        raise UsageError(
            f"--out {out} must end in .safetensors", hint=f"--out {out.with_suffix('')}.safetensors"
        )
    return check_output_file(out)


def check_run_folder(out: Path | None) -> None:
    """Refuse a place for a run that cannot be written, or holds something; raises UsageError."""
    if out is None:
        check_output_folder(RESULTS, DEFAULT_OUT)
    else:
        check_empty(check_output_folder(out))


def new_run_folder(out: Path | None) -> Path:
    """The run folder, made now.

    Raises:
        UsageError: it holds something already, or cannot be made.
    """
    folder = out or RESULTS / new_run_id()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_empty(folder)
    except OSError as error:
        raise UsageError(f"cannot make the run folder {folder}: {error.strerror}") from error
    return folder


def check_empty(folder: Path) -> None:
    """Raise UsageError if the run folder is there and holds something."""
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(
            f"the run folder {folder} is not empty",
            hint=f"choose another --out, or continue there with --resume {shell_word(folder)}",
        )


def new_run_id() -> str:
    """UTC time and a short random id; sorts by time."""
    # Not needed for --help.
    import secrets

    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
