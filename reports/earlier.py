"""The files that the previous report left in a folder: those that the new one has not are removed.

Their names and digests stand in a list beside them. A file that is not in the list, or was changed since, is
the user's own and stays. The list may have come with a received folder: it can name nothing but pictures and
a trace.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from harness.records import Record, Sha256
from harness.records.decoding import Malformed, decode_json
from harness.system.files import hash_file, read_regular_file, write_atomically

LIST = ".pictures.json"
TRACE = "trace.json"
_REMOVABLE = re.compile(rf"[a-z0-9_-]{{1,100}}\.(?:png|svg)|{re.escape(TRACE)}")
_LARGEST_LIST_BYTES = 2**20


class _Pictures(Record, frozen=True):
    """SHA-256 of each picture by its name."""

    sha256: dict[str, Sha256]


def remove_earlier_files(folder: Path, written: Iterable[str]) -> None:
    """Remove what the previous report wrote and this one has not, and list what this one has written."""
    names = set(written)
    for name, sha256 in _read(folder / LIST).items():
        if name not in names and _REMOVABLE.fullmatch(name) and _is_unchanged(folder / name, sha256):
            (folder / name).unlink()
    pictures = _Pictures({name: hash_file(folder / name) for name in sorted(names)})
    write_atomically(folder / LIST, msgspec.json.format(msgspec.json.encode(pictures)) + b"\n")


def _read(file: Path) -> dict[str, str]:
    with suppress(OSError, Malformed):
        return decode_json(read_regular_file(file, _LARGEST_LIST_BYTES), _Pictures).sha256
    return {}


def _is_unchanged(file: Path, sha256: str) -> bool:
    with suppress(OSError):
        return not file.is_symlink() and hash_file(file) == sha256
    return False
