"""A lab whose hosts have simulated devices, on Ray's real processes, which `harness lab` begins.

A process of Ray takes some 100 MB, so that a thousand devices do not fit into one machine one by one. Here
several share a process; each keeps its own stream to the process that leads the run, as in a real lab.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulated_device import KIND

from harness.lab import worker
from harness.lab.connection import host_resource
from harness.lab.facts import HostFacts
from harness.lab.ray_library import ray
from harness.lab.remote_worker import SMALL_SHARE, RemoteWorker
from harness.lab.sent_errors import SentError
from harness.lab.shipping import Parcel, unpack
from harness.lab.worker import Item, Order, RemoteMeasuring
from harness.lowering.artifact_store import StoredArtifact
from harness.records import Variant
from harness.system.paths import APPLICATION, cache_folder
from harness_command import Ended
from lab_hosts import LabHosts

HERE = Path(__file__).parent
DRIVER = HERE / "simulated_driver.py"
SEARCHED = (HERE / "simulated_host", HERE, HERE.parent, HERE.parents[1])
# Written by each process of Ray beside its cache: what one of its devices sent.
MESSAGES = "messages-*.json"


class SharedMeasuring:
    """Measures on several groups of devices, each under a key of its own.

    A program that has arrived is checked once for all of them: here one machine does the work of all hosts.
    """

    def __init__(self) -> None:
        self._groups: dict[str, RemoteMeasuring] = defaultdict(RemoteMeasuring)
        self._unpacked: dict[Variant, StoredArtifact] = {}
        self._lock = threading.Lock()
        worker.unpack = self._unpack  # type: ignore[attr-defined]

    def _unpack(self, parcel: Parcel) -> StoredArtifact:
        variant = parcel.artifact.variant
        with self._lock:
            if variant not in self._unpacked:
                self._unpacked[variant] = unpack(parcel)
            return self._unpacked[variant]

    def ready(self) -> None:
        """Answers at once: simulated devices are always free."""

    def take(self, key: str, variant: Variant, given: Parcel | SentError) -> None:
        self._groups[key].take(variant, given)

    def cancel(self, key: str) -> None:
        self._groups[key].cancel()

    def measure(self, key: str, order: Order) -> Iterator[Item]:
        """The items; those of the first key are counted."""
        counted = len(self._groups) <= 1
        items = cells = size_bytes = 0
        for item in self._groups[key].measure(order):
            if counted:
                items, size_bytes = items + 1, size_bytes + len(pickle.dumps(item))
                cells += bool(getattr(item, "cell", None))
            yield item
        if counted:
            counts = {"items": items, "with_cell": cells, "bytes": size_bytes}
            (cache_folder() / MESSAGES.replace("*", str(os.getpid()))).write_text(json.dumps(counts))


@dataclass(frozen=True)
class SharedWorker(RemoteWorker):
    """One group's part of a process; `left` counts the groups that use the process still."""

    key: str
    left: list[int]

    def measure(self, order: Order) -> Any:
        return self.actor.measure.options(num_returns="streaming").remote(self.key, order)

    def take(self, variant: Variant, given: Any) -> None:
        self.actor.take.remote(self.key, variant, given)

    def cancel(self) -> None:
        self.actor.cancel.remote(self.key)

    def end(self) -> None:
        self.left[0] -= 1
        if not self.left[0]:
            ray.kill(self.actor)


@dataclass
class SharedWorkers:
    """Starts a process for each `size` devices of a host."""

    size: int
    last: dict[str, tuple[Any, list[int]]] = field(default_factory=dict)

    def start(self, host: HostFacts, devices: tuple[str, ...]) -> RemoteWorker:
        actor, left = self.last.get(host.name, (None, [self.size]))
        # None has begun yet, it is full, or all its groups have ended, and the process with them.
        if left[0] >= self.size or not left[0]:
            actor_class = ray.remote(num_cpus=0, max_restarts=0, max_concurrency=2 * self.size + 8)
            here = {host_resource(host.name): SMALL_SHARE}
            actor, left = actor_class(SharedMeasuring).options(resources=here).remote(), [0]
        self.last[host.name] = actor, left
        left[0] += 1
        return SharedWorker(actor, " ".join(devices), left)


@dataclass
class SimulatedLab(LabHosts):
    """Hosts with a number of devices each, which their `devices.toml` lists."""

    def environment(self, host: str) -> dict[str, str]:
        return {
            **super().environment(host),
            "PYTHONPATH": os.pathsep.join(map(str, SEARCHED)),
            "XDG_CONFIG_HOME": str(self.folder / f"config-{host}"),
        }

    def add(self, host: str, devices: range) -> Ended:
        """Start the head, or add a host, with these devices."""
        config = self.folder / f"config-{host}" / APPLICATION
        config.mkdir(parents=True, exist_ok=True)
        tables = (f'[devices.{n}]\nkind = "{KIND}"\naddress = "{n}"\n' for n in map(device_name, devices))
        (config / "devices.toml").write_text("\n".join(tables))
        begun = (self.folder / "token").exists()
        words = ("join", self.address) if begun else ("start", "--address", self.address)
        return self.run(host, "lab", *words, "--name", host, "--object-store", "500MB")

    def begin_drive(self, out: Path, *options: str, together: int) -> "subprocess.Popen[str]":
        """Begin `harness run` on all devices, `together` in a process; `out` may hold a part of the run."""
        first = next(iter(self.caches))
        new = ("-d", "all", *options, "--out", str(out))
        words = ("--resume", str(out)) if (out / "run.json").exists() else new
        command = (
            sys.executable,
            str(DRIVER),
            str(together),
            "run",
            "--lab",
            self.address,
            *words,
            "--quiet",
        )
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(first),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def drive(self, out: Path, *options: str, together: int) -> Ended:
        """The same, waited for."""
        process = self.begin_drive(out, *options, together=together)
        stdout, stderr = process.communicate()
        return Ended(process.returncode, stdout, stderr)

    def kill(self, host: str) -> None:
        """SIGKILL to all processes of a host, as when its power is cut; it can be added again."""
        state = json.loads((self.caches[host] / "lab" / "hosts" / f"{host}.json").read_text())
        os.killpg(state["pid"], signal.SIGKILL)
        self.leave(host)

    def messages(self) -> list[dict[str, int]]:
        """What one device of each process sent in the last run."""
        files = [file for cache in self.caches.values() for file in cache.glob(MESSAGES)]
        return [json.loads(file.read_text()) for file in files]


def device_name(number: int) -> str:
    """Of the kind's devices, which are numbered through all hosts."""
    return f"sim-{number:04}"
