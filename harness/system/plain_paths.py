"""Paths that other programs take as they are: CMake, Ninja and flatc give `;`, `$`, `#`, `\\` a meaning."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLAIN = re.compile(r"[A-Za-z0-9/._+@-]+")


@contextmanager
def plain_paths(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """The same places under plain paths: links in a folder that only this user can enter, where one is not.

    The places must be there.
    """
    if all(map(is_plain, paths)):
        yield paths
        return
    with tempfile.TemporaryDirectory(prefix="harness-", dir=plain_temporary_folder()) as folder:
        links = tuple(Path(folder) / str(number) for number in range(len(paths)))
        for link, path in zip(links, paths, strict=True):
            link.symlink_to(path.absolute())
        yield links


def is_plain(path: Path) -> bool:
    """Whether the path has only characters without a meaning in any of them."""
    return _PLAIN.fullmatch(str(path)) is not None


def plain_temporary_folder() -> str:
    """The usual folder for temporary files, `/tmp` where its path is not plain."""
    usual = tempfile.gettempdir()
    return usual if is_plain(Path(usual)) else "/tmp"
