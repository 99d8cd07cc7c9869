"""A host's own part of a lab: Ray's processes, begun and ended by us, and never those of another cluster."""

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.devices.target import Target
from harness.errors import HarnessError, TransportError, UsageError
from harness.lab.addresses import Address, refuse_silent
from harness.lab.connection import (
    Lab,
    ask_hosts,
    connected,
    host_resource,
    refuse_unusable,
    resources_of,
)
from harness.lab.environment import check_token, ray_environment, token_file
from harness.lab.facts import lowering_workers
from harness.lab.host import NAMESPACE, PREFIX, Host
from harness.lab.ray_library import ray
from harness.system.files import write_atomically
from harness.system.paths import cache_folder
from harness.system.processes import process_start, processes_of_session, start_detached
from harness.system.text import ending

RAY = (sys.executable, "-m", "harness.lab.ray_command")
STARTED = b"Ray runtime started"
START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 20.0
POLL_S = 0.1
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
# 30 artifacts of the largest variant, and their inputs.
OBJECT_STORE_BYTES = 1 << 30


class NodeState(msgspec.Struct, frozen=True):
    """What `lab leave` needs to know: the process that holds Ray's others, and where they write."""

    name: str
    address: str
    pid: int
    started: str
    folder: str
    is_head: bool


@dataclass(frozen=True)
class Membership:
    """How this host takes part: its name, what it offers, and its own address that others reach."""

    name: str
    devices: tuple[Target, ...]
    own_address: str
    object_store_bytes: int = OBJECT_STORE_BYTES


def start_head(address: Address, member: Membership, log: Callable[[str], None]) -> NodeState:
    """Begin a lab at an address of this host, which is its first host.

    Raises:
        UsageError: this host is in a lab under this name, or the address is used.
        TransportError: Ray does not start.
    """
    token = token_file()
    if not token.exists():
        token.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(token, secrets.token_hex(32) + "\n", mode=0o600)
        log(f"made the lab's token {token}: who has it can run programs on all hosts of the lab")
    with contextlib.suppress(TransportError):
        refuse_silent(address)
        raise UsageError(
            f"something listens at {address} already",
            hint=f"join it: harness lab join {address}; or choose another port: {address.host}:6380",
        )
    options = ["--head", f"--port={address.port}", "--include-dashboard=false"]
    return _start(address, member, options, log, is_head=True)


def join(address: Address, member: Membership, log: Callable[[str], None]) -> NodeState:
    """Add this host to a lab.

    Raises:
        UsageError: this host is in a lab under this name, or does not fit to the lab's other hosts.
        TransportError: the lab cannot be reached, or Ray does not start.
    """
    refuse_silent(address)
    return _start(address, member, [f"--address={address}"], log, is_head=False)


def _start(
    address: Address, member: Membership, options: Sequence[str], log: Callable[[str], None], *, is_head: bool
) -> NodeState:
    check_token()
    if (known := read_state(member.name)) and is_running(known):
        raise UsageError(
            f"this host is in the lab at {known.address} as {member.name} already",
            hint="`harness lab leave` ends that; or join under another --name",
        )
    # Sockets lie in it, whose paths have 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
    workers = lowering_workers()
    resources = resources_of(member.name, [device.name for device in member.devices], workers)
    argv = [
        *(*RAY, "start", "--block", "--disable-usage-stats", "--num-cpus=0", "--num-gpus=0"),
        f"--node-ip-address={member.own_address}",
        f"--object-store-memory={member.object_store_bytes}",
        "--include-log-monitor=false",
        f"--resources={json.dumps(resources)}",
        f"--temp-dir={folder}",
        *options,
    ]
    log(f"starting Ray for {len(member.devices)} devices")
    output = folder / "start.log"
    pid = start_detached(argv, output, env=ray_environment())
    state = NodeState(member.name, str(address), pid, process_start(pid) or "", str(folder), is_head)
    try:
        _wait_until_started(pid, output)
        write_atomically(
            _state_file(member.name), msgspec.json.format(msgspec.json.encode(state)), mode=0o600
        )
        with connected(address):
            _answer_for(member, workers)
            refuse_unusable(Lab(address, ask_hosts()))
    except BaseException:
        leave(state)
        raise
    return state


def _wait_until_started(pid: int, output: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while STARTED not in output.read_bytes():
        if not _runs(pid) or time.monotonic() > deadline:
            raise TransportError(
                f"Ray did not start: {ending(output.read_bytes()) or f'nothing for {START_TIMEOUT_S:.0f} s'}",
                hint="docs/lab.md says which ports it needs",
            )
        time.sleep(POLL_S)


def _answer_for(member: Membership, workers: int) -> None:
    """Start the actor that answers for this host; it ends with the host's Ray."""
    try:
        actor = Host.options(
            name=PREFIX + member.name,
            namespace=NAMESPACE,
            lifetime="detached",
            resources={host_resource(member.name): 0.001},
        ).remote(member.name, member.devices, workers, member.object_store_bytes)
        ray.get(actor.describe.remote(), timeout=START_TIMEOUT_S)
    except ValueError as error:
        raise UsageError(
            f"another host of the lab has the name {member.name}", hint="join under another --name"
        ) from error
    except Exception as error:
        raise HarnessError(f"no process of Ray starts on this host: {ending(str(error))}") from error


def leave(state: NodeState) -> None:
    """End this host's part: what measures here is ended, too, and reported where it was asked for."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        if not is_running(state):
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(state.pid, sent) if sent == signal.SIGTERM else os.killpg(state.pid, sent)
        deadline = time.monotonic() + END_TIMEOUT_S
        while is_running(state) and time.monotonic() < deadline:
            time.sleep(POLL_S)
    _end_remaining(state)
    shutil.rmtree(state.folder, ignore_errors=True)
    _state_file(state.name).unlink(missing_ok=True)


def _end_remaining(state: NodeState) -> None:
    """Kill what is left of the session that Ray was started in, such as workers that still measure."""
    for pid in processes_of_session(state.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def is_running(state: NodeState) -> bool:
    """Whether its process runs, and is no other one of the same number."""
    return _runs(state.pid) and (process_start(state.pid) or "") == state.started


def _runs(pid: int) -> bool:
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
        return msgspec.json.decode(_state_file(name).read_bytes(), type=NodeState)
    except (OSError, msgspec.DecodeError):
        return None


def read_states() -> tuple[NodeState, ...]:
    """All lab hosts of this machine's user that run."""
    names = sorted(file.stem for file in _states_folder().glob("*.json"))
    return tuple(state for name in names if (state := read_state(name)) and is_running(state))


def _states_folder() -> Path:
    return cache_folder() / "lab" / "hosts"


def _state_file(name: str) -> Path:
    if not re.fullmatch(NAME, name):
        raise UsageError(
            f"{name!r} is no name of a host: letters, digits, dots and dashes, 64 at most",
            hint="give another --name",
        )
    folder = _states_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.json"
