"""A host's own part of a lab: Ray's processes, begun and ended by us, and never those of another cluster."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import ConnectionLost, HarnessError, TransportError, UsageError
from harness.lab.addresses import Address, refuse_silent
from harness.lab.connection import (
    ask_hosts,
    connected,
    host_resource,
    refuse_unusable,
    resources_of,
)
from harness.lab.door import check_door
from harness.lab.environment import check_token, ray_environment, token_file
from harness.lab.facts import lowering_workers
from harness.lab.host import NAMESPACE, PREFIX, Host
from harness.lab.membership import (
    Membership,
    NodeState,
    forget_ended,
    is_running,
    read_state,
    runs,
    state_file,
    write_state,
)
from harness.lab.ray_library import ray
from harness.system.files import write_atomically
from harness.system.processes import process_start, processes_of_session, start_detached
from harness.system.text import ending

RAY = (sys.executable, "-m", "harness.lab.ray_command")
STARTED = b"Ray runtime started"
START_TIMEOUT_S = 60.0
END_TIMEOUT_S = 20.0
POLL_S = 0.1
LEFT_WITHIN_S = 1.0


def start_head(address: Address, member: Membership, log: Callable[[str], None]) -> NodeState:
    """Begin a lab at an address of this host, which is its first host.

    Raises:
        UsageError: this host is in a lab under this name, or the address is used.
        TransportError: Ray does not start.
    """
    with contextlib.suppress(TransportError):
        refuse_silent(address)
        raise UsageError(
            f"something listens at {address} already",
            hint=f"join it: harness lab join {address}; or choose another port: {address.host}:6380",
        )
    token = token_file()
    if not token.exists():
        token.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(token, secrets.token_hex(32) + "\n", mode=0o600)
        log(f"made the lab's token {token}: who has it can run programs on all hosts of the lab")
    options = ["--head", f"--port={address.port}", "--include-dashboard=false"]
    return _start(address, member, options, log, is_head=True)


def join(address: Address, member: Membership, log: Callable[[str], None]) -> NodeState:
    """Add this host to a lab.

    Raises:
        UsageError: this host is in a lab under this name, does not fit to the lab's other hosts, or has
            another token.
        TransportError: the lab cannot be reached, or Ray does not start.
    """
    check_token()
    check_door(address)
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
    forget_ended()
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
    count = len(member.devices)
    log(f"starting Ray for {count} device{'' if count == 1 else 's'}")
    output = folder / "start.log"
    pid = start_detached(argv, output, env=ray_environment())
    state = NodeState(member.name, str(address), pid, process_start(pid) or "", str(folder), is_head)
    try:
        _wait_until_started(pid, output)
        write_state(state)
        with connected(address):
            _answer_for(member, workers)
            refuse_unusable(ask_hosts(address))
    except BaseException:
        leave(state)
        raise
    return state


def _wait_until_started(pid: int, output: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while STARTED not in output.read_bytes():
        if not runs(pid) or time.monotonic() > deadline:
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


def stay(state: NodeState) -> None:
    """Wait until this host leaves: for `lab leave`, or for an interrupt, at which it leaves here.

    Raises:
        ConnectionLost: Ray has ended by itself, as it does a minute after the head is gone.
    """
    try:
        while is_running(state):
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        leave(state)
        return
    # `lab leave` forgets the host as soon as it sees that.
    time.sleep(LEFT_WITHIN_S)
    if read_state(state.name) == state:
        leave(state)
        raise ConnectionLost(
            f"{state.name} is out of the lab at {state.address}: Ray has ended on this host",
            hint="see whether the head runs, and join again",
        )


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
    state_file(state.name).unlink(missing_ok=True)
    _end_remaining(state)
    shutil.rmtree(state.folder, ignore_errors=True)


def _end_remaining(state: NodeState) -> None:
    """Kill what is left of the session that Ray was started in, such as workers that still measure."""
    for pid in processes_of_session(state.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
