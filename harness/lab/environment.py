"""What Ray reads from the environment: the lab's token, and that it neither logs nor reports."""

import os
from pathlib import Path

from harness.errors import UsageError
from harness.system.files import read_regular_file
from harness.system.paths import config_folder

TOKEN_FILE = "lab-token"
LARGEST_TOKEN_BYTES = 4096


def token_file() -> Path:
    """The file with the secret that all hosts of a lab share: who has it may run programs on them."""
    return Path(os.environ.get("HARNESS_LAB_TOKEN") or config_folder() / TOKEN_FILE).absolute()


def ray_environment() -> dict[str, str]:
    """For Ray in this process, and in those that it starts."""
    return {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token_file()),
        # No statistics are sent to Ray's makers.
        "RAY_USAGE_STATS_ENABLED": "0",
        # Its own log lines would stand between ours.
        "RAY_BACKEND_LOG_LEVEL": "fatal",
        # Hosts may have another patch version of Python: what they exchange does not depend on it.
        "RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL": "minor",
        # A process that a device waits for is never ended to make room for another one.
        "RAY_memory_monitor_refresh_ms": "0",
        # A host that leaves does not wait for work that nobody wants any more.
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
    }


def check_token() -> None:
    """Refuse a token that is missing, or that others may read.

    Raises:
        UsageError: as said.
    """
    token = token_file()
    try:
        content = read_regular_file(token, LARGEST_TOKEN_BYTES)
    except OSError as error:
        raise UsageError(
            f"the lab's token {token} cannot be read: {error.strerror or error}",
            hint="`harness lab start` makes it; copy it from the head's host, over SSH",
        ) from error
    if token.stat().st_mode & 0o077:
        raise UsageError(f"other users may read the lab's token {token}", hint=f"chmod 600 {token}")
    if not content.strip():
        raise UsageError(f"the lab's token {token} is empty", hint="copy it again from the head's host")
