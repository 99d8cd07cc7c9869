"""Where the harness keeps what it can rebuild, and where its own sources lie."""

import os
from functools import cache
from pathlib import Path

import platformdirs

from harness.system.private_folder import check_private

APPLICATION = "mobilenet-harness"
PROJECT = Path(__file__).resolve().parents[2]
DEVICE_SCRIPTS = PROJECT / "device_scripts"


def cache_folder() -> Path:
    """The cache: everything below can be deleted and is made again; `HARNESS_CACHE` names another folder.

    Raises:
        UsageError: another user owns or may write the folder or an entry in it.
    """
    folder = Path(os.environ.get("HARNESS_CACHE") or platformdirs.user_cache_dir(APPLICATION))
    _check_once(folder.absolute())
    return folder


@cache
def _check_once(folder: Path) -> None:
    check_private(folder)


def config_folder() -> Path:
    """The user's own settings, among them `devices.toml`."""
    return Path(platformdirs.user_config_dir(APPLICATION))
