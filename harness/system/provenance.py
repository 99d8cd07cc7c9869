"""What a run was made with: this machine, the versions installed on it, the harness's own revision."""

import os
import platform
import tomllib
from pathlib import Path

from harness.system.extras import installed_version
from harness.system.paths import APPLICATION, PROJECT
from harness.system.processes import run_local

PACKAGES = (APPLICATION, "torch", "executorch", "torchao", "adb-shell")
GIT_TIMEOUT_S = 10


def describe_host() -> str:
    """The operating system, its release and the machine, such as `Linux 6.1.0 x86_64`."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def installed_versions() -> dict[str, str]:
    """Versions of Python and of those packages that decide what is measured which are installed."""
    found = {name: installed_version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **{name: one for name, one in found.items() if one}}


def git_revision(project: Path = PROJECT) -> str | None:
    """The commit the harness runs from; None unless `project` is the root of the harness's own repository.

    An installed wheel may lie inside another repository, whose commit says nothing about the harness.
    """
    if not _is_harness(project):
        return None
    # git's hooks set GIT_DIR and its kind to their own repository, whatever -C says (githooks(5)).
    foreign = dict.fromkeys(name for name in os.environ if name.startswith("GIT_"))
    answer = run_local(
        ["git", "-C", str(project), "rev-parse", "--show-toplevel", "HEAD"],
        timeout_s=GIT_TIMEOUT_S,
        env=foreign,
    )
    root, _, revision = answer.text.strip().partition("\n")
    if answer.exit_code != 0 or Path(root).resolve() != project.resolve():
        return None
    return revision


def _is_harness(project: Path) -> bool:
    try:
        described = tomllib.loads((project / "pyproject.toml").read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return False
    named = described.get("project", {})
    return isinstance(named, dict) and named.get("name") == APPLICATION
