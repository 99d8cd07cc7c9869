"""A folder at a URL, listed and read through fsspec: bounded, with a time-out, its errors in our words.

What the storage says is not trusted: names are checked before they become names here, sizes before anything
is read, and a file is read only as far as the listing says that it goes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.errors import UsageError
from harness.system.daemon_threads import call_each
from harness.system.storage_errors import missing_package, translated
from harness.system.text import is_control
from harness.system.urls import shown_url

# A storage that is silent for so long is given up; its library has tried again by then.
SILENT_SECONDS = 60.0
# Only where the library serves several threads: those that fsspec drives by one event loop.
THREADS = 16
# A slow link moves a part in less than SILENT_SECONDS.
PART_BYTES = 4 * 2**20
LONGEST_NAME_BYTES = 200

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Entry:
    """What a folder holds; `size_bytes` is None where the storage does not say."""

    path: str
    name: str
    is_folder: bool
    size_bytes: int | None

    @property
    def has_safe_name(self) -> bool:
        """Whether the name can be one on this machine: no part of a path, and nothing invisible."""
        return (
            self.name not in ("", ".", "..")
            and not any(character in "/\\" or is_control(character) for character in self.name)
            and len(self.name.encode("utf-8", "surrogatepass")) <= LONGEST_NAME_BYTES
        )


class Storage:
    """The storage that a URL names; `path` is the URL's place in it."""

    def __init__(self, url: str) -> None:
        """Find the protocol's package, without connecting yet.

        Raises:
            UsageError: the package is missing, the protocol is unknown, or the URL is wrong.
        """
        self._url = url
        try:
            from fsspec.core import url_to_fs
        except ImportError as error:
            raise missing_package(error, url) from None
        try:
            self._files, path = url_to_fs(url)
        except Exception as error:
            raise translated(error, url, shown_url(url)) from None
        self.path: str = path.rstrip("/")
        self._threads = THREADS if getattr(self._files, "async_impl", False) else 1

    @property
    def identity(self) -> object:
        """Equal for the same storage under the same settings."""
        return self._files

    def shown(self, path: str) -> str:
        """The URL of a place in the storage, as it may be printed."""
        links = self._url.split("::")
        at = next((at for at, link in enumerate(links) if "://" in link), 0)
        link, own = links[at].rstrip("/"), self.path.lstrip("/")
        # A path in the storage has no host, where the URL names one.
        ours = "://" in link and link.endswith(own)
        start = link.removesuffix(own) if ours else f"{link.partition('://')[0]}://"
        links[at] = start + path.lstrip("/")
        return shown_url("::".join(links))

    def list_each(self, folders: Sequence[str], *, may_lack: bool = False) -> Iterator[tuple[Entry, ...]]:
        """What each folder holds, in the order of names, without what lies deeper; folders and files alone.

        Raises:
            UsageError: a folder cannot be read; or it is not there, unless it `may_lack`.
        """

        def list_one(folder: str) -> tuple[Entry, ...]:
            try:
                return self._list(folder)
            except FileNotFoundError:
                if may_lack:
                    return ()
                raise

        yield from self._each(list_one, folders, lambda folder: folder)

    def read_each(self, files: Sequence[Entry]) -> Iterator[Iterator[bytes]]:
        """The parts of each file, which must be taken before the next file's.

        Raises:
            UsageError: a file is gone, cannot be read, or is not as long as it was listed.
        """
        parts = self._each(self._read, _parts_of(files), lambda part: part[0].path)
        for file in files:
            yield (next(parts) for _ in range(0, file.size_bytes or 0, PART_BYTES))

    def _list(self, folder: str) -> tuple[Entry, ...]:
        found = self._files.ls(folder, detail=True)
        entries = [self._entry(folder, one) for one in found if one.get("type") in ("file", "directory")]
        return tuple(sorted((one for one in entries if one), key=lambda entry: entry.name))

    def _entry(self, folder: str, found: dict[str, Any]) -> Entry | None:
        """None for the folder itself, which some storages list, and for what lies elsewhere."""
        path = str(found["name"]).rstrip("/")
        start = f"{folder.rstrip('/')}/" if folder else ""
        if not path.startswith(start):
            return None
        is_folder = found["type"] == "directory"
        size = found.get("size")
        if size is None and not is_folder:
            size = self._files.info(found["name"]).get("size")
        return Entry(path, path.removeprefix(start), is_folder, None if size is None else int(size))

    def _read(self, part: tuple[Entry, int, int]) -> bytes:
        file, start, end = part
        content: bytes = self._files.cat_file(file.path, start=start, end=end)
        if len(content) != end - start:
            raise OSError(f"{len(content)} bytes came instead of {end - start}")
        return content

    def _each(self, function: Callable[[T], R], items: Iterable[T], path: Callable[[T], str]) -> Iterator[R]:
        def call(item: T) -> R:
            try:
                return function(item)
            except Exception as error:
                # Its text and its own causes may hold what is hidden in ours, and --debug prints them.
                raise translated(error, self._url, self.shown(path(item))) from None

        try:
            yield from call_each(call, items, threads=self._threads, silent_seconds=SILENT_SECONDS)
        except TimeoutError:
            raise UsageError(
                f"{shown_url(self._url)} did not answer within {SILENT_SECONDS:g} s",
                hint="check the network and the storage's address, or copy the run folders here and name"
                " the copies",
            ) from None


def _parts_of(files: Sequence[Entry]) -> Iterator[tuple[Entry, int, int]]:
    for file in files:
        size = file.size_bytes or 0
        for start in range(0, size, PART_BYTES):
            yield file, start, min(start + PART_BYTES, size)
