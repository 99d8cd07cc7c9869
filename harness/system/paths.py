"""Where the harness keeps what it can rebuild, and where its own sources lie."""

import os
from pathlib import Path

import platformdirs

APPLICATION = "mobilenet-harness"
PROJECT = Path(__file__).resolve().parents[2]
DEVICE_SCRIPTS = PROJECT / "device_scripts"


def cache_folder() -> Path:
    """The cache: everything below can be deleted and is made again; `HARNESS_CACHE` names another folder."""
    return Path(os.environ.get("HARNESS_CACHE") or platformdirs.user_cache_dir(APPLICATION))


def config_folder() -> Path:
    """The user's own settings, among them `devices.toml`."""
    return Path(platformdirs.user_config_dir(APPLICATION))
