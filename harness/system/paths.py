"""Where the harness keeps what it can rebuild, and where its own sources lie."""

import os
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

from harness.errors import UsageError
from harness.system.os_errors import describe, readable
from harness.system.private_folder import check_private
from harness.system.text import is_control, printable

APPLICATION = "mobilenet-harness"
_PACKAGE = Path(__file__).resolve().parents[1]
# A checkout has its other folders beside the package, an installed wheel inside it.
PROJECT = _PACKAGE if (_PACKAGE / "device_scripts").is_dir() else _PACKAGE.parent
DEVICE_SCRIPTS = PROJECT / "device_scripts"


def source_file(name: str) -> Path:
    """A file of the harness itself, by its path in the repository, such as `models/layers.py`."""
    return (_PACKAGE.parent if name.startswith(f"{_PACKAGE.name}/") else PROJECT) / name


def cache_folder() -> Path:
    """The cache: everything below can be deleted and is made again; `HARNESS_CACHE` names another folder.

    Raises:
        UsageError: another user owns or may write the folder or an entry in it.
    """
    folder = _cache_path()
    _check_once(folder)
    return folder


def check_cache() -> None:
    """Make the cache and try to write in it, before anything else is touched.

    Raises:
        UsageError: another user owns or may write the folder or an entry in it; it cannot be made or written;
            or its name has a line break or another control character, which lists of files on a device
            cannot hold.
    """
    folder = _cache_path()
    if any(map(is_control, str(folder))):
        raise UsageError(
            f"the cache {printable(str(folder))!r} has a line break or another control character in its name",
            hint="set HARNESS_CACHE to a folder with an ordinary name",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"the cache {readable(str(folder))} cannot be used: {describe(error)}",
            hint="set HARNESS_CACHE to a folder that can be written",
        ) from error
    _check_once(folder)


def _cache_path() -> Path:
    return Path(os.environ.get("HARNESS_CACHE") or platformdirs.user_cache_dir(APPLICATION)).absolute()


@cache
def _check_once(folder: Path) -> None:
    check_private(folder)


def config_folder() -> Path:
    """The user's own settings, among them `devices.toml`."""
    return Path(platformdirs.user_config_dir(APPLICATION))
