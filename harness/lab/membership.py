"""This host's part in a lab: as it is asked for, and as it is recorded so that another command can end it."""

import contextlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.devices.target import Target
from harness.errors import UsageError
from harness.system.files import write_atomically
from harness.system.paths import cache_folder
from harness.system.processes import process_start

# Ray takes no smaller one (ray_constants.OBJECT_STORE_MINIMUM_MEMORY_BYTES).
SMALLEST_OBJECT_STORE_BYTES = 75 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Membership:
    """How this host takes part: its name, what it offers, and its own address that others reach."""

    name: str
    devices: tuple[Target, ...]
    own_address: str
    object_store_bytes: int


class NodeState(msgspec.Struct, frozen=True):
    """What `lab leave` needs to know: the process that holds Ray's others, and where they write."""

    name: str
    address: str
    pid: int
    started: str
    folder: str
    is_head: bool


def memory_bytes() -> int:
    """All memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_name(name: str) -> str:
    """The name of a host, as it is.

    Raises:
        UsageError: it is not a name.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--name {name!r} is not a name of a host: letters, digits, dots and dashes, 64 at most",
            hint="for example --name desk-2",
        )
    return name


def is_running(state: NodeState) -> bool:
    """Whether its process runs, and is no other one of the same number."""
    return runs(state.pid) and (process_start(state.pid) or "") == state.started


def runs(pid: int) -> bool:
    """Whether a process runs; one that we started and that has ended is reaped."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def read_state(name: str) -> NodeState | None:
    """What was recorded when this host joined under a name; None if it did not."""
    try:
        return msgspec.json.decode(state_file(name).read_bytes(), type=NodeState)
    except (OSError, msgspec.DecodeError):
        return None


def read_states() -> tuple[NodeState, ...]:
    """All lab hosts of this machine's user that run."""
    names = sorted(file.stem for file in _states_folder().glob("*.json"))
    return tuple(state for name in names if (state := read_state(name)) and is_running(state))


def forget_ended() -> None:
    """Remove what hosts of this machine left that ended without `lab leave`, by a kill or a power cut."""
    for file in _states_folder().glob("*.json"):
        state = read_state(file.stem)
        if state and not is_running(state):
            shutil.rmtree(state.folder, ignore_errors=True)
            file.unlink(missing_ok=True)


def _states_folder() -> Path:
    return cache_folder() / "lab" / "hosts"


def state_file(name: str) -> Path:
    """Where it is recorded that this host is in a lab under a name."""
    folder = _states_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.json"


def write_state(state: NodeState) -> None:
    """Record it; `lab leave` reads it."""
    write_atomically(state_file(state.name), msgspec.json.format(msgspec.json.encode(state)), mode=0o600)
