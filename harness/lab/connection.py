"""The connection of this process to a lab, and the hosts that are in it."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from harness.errors import ConnectionLost, HarnessError, TransportError, UsageError
from harness.lab.addresses import Address
from harness.lab.door import check_door, silent_stderr, within
from harness.lab.environment import check_token
from harness.lab.facts import HostFacts, refuse_unlike
from harness.lab.host import NAMESPACE, PREFIX
from harness.lab.ray_command import stay_on_loopback
from harness.lab.ray_library import RayError, list_named_actors, ray

# Ray itself tries again for minutes; connecting takes half a second.
CONNECT_TIMEOUT_S = 8.0
ANSWER_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Lab:
    """A lab that this process is connected to, and its hosts as they were then; `silent` did not answer."""

    address: Address
    hosts: tuple[HostFacts, ...]
    silent: tuple[str, ...] = ()

    def host_of(self, device: str) -> HostFacts:
        """The host that offers a device of the lab.

        Raises:
            ConnectionLost: none does now.
        """
        for host in self.hosts:
            if any(one.name == device for one in host.devices):
                return host
        raise not_offered(device, "when its host is back, run the same command again")

    def offers(self, device: str) -> bool:
        """Whether a host offers a device now."""
        return any(one.name == device for host in self.hosts for one in host.devices)

    def actor(self, host: str) -> Any:
        """What answers for a host; its methods are called with `.remote`."""
        return ray.get_actor(PREFIX + host, namespace=NAMESPACE)


def not_offered(device: str, hint: str) -> ConnectionLost:
    """A run that is continued had a device which is not in the lab now."""
    return ConnectionLost("no host of the lab offers the device now", hint=hint, device=device)


@contextmanager
def connected(address: Address) -> Iterator[Lab]:
    """Connect to a lab from one of its hosts; the hosts are asked for their facts.

    Raises:
        TransportError: nothing answers at the address, or what does is not a lab.
        UsageError: the token is missing or wrong, a version differs, or this machine is not a host of it.
    """
    check_token()
    check_door(address)
    if address.is_loopback:
        stay_on_loopback()
    with _signals_kept():
        _connect(address)
    try:
        yield ask_hosts(address)
    finally:
        with contextlib.suppress(Exception), _signals_kept():
            ray.shutdown()


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray resets what the main thread does at SIGTERM: it is set again after the block."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    is_main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in numbers if is_main}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def refuse_unusable(lab: Lab) -> None:
    """Refuse a lab that cannot work as one; raises UsageError."""
    if not lab.hosts:
        raise UsageError(
            f"the lab at {lab.address} has no host that answers",
            hint=f"join from a host with devices: harness lab join {lab.address}",
        )
    refuse_unlike(lab.hosts)


def ask_hosts(address: Address) -> Lab:
    """The lab that this process is connected to, with the facts of all hosts that answer in time, by name."""
    named = [
        entry["name"] for entry in list_named_actors(all_namespaces=True) if entry["namespace"] == NAMESPACE
    ]
    asked: list[tuple[str, Any, float]] = []
    for name in sorted(name for name in named if name.startswith(PREFIX)):
        with contextlib.suppress(ValueError):  # it has just left
            actor = ray.get_actor(name, namespace=NAMESPACE)
            asked.append((name.removeprefix(PREFIX), actor.describe.remote(), time.time()))
    deadline = time.monotonic() + ANSWER_TIMEOUT_S
    hosts, silent = [], []
    for name, reference, asked_s in asked:
        try:
            hosts.append(_answer(reference, asked_s, deadline))
        except TimeoutError:
            silent.append(name)
        except RayError:  # it has just left
            continue
    return Lab(address, tuple(hosts), tuple(silent))


def _answer(reference: Any, asked_s: float, deadline: float) -> HostFacts:
    facts: HostFacts = ray.get(reference, timeout=max(0.1, deadline - time.monotonic()))
    # It answered at some moment in between.
    return replace(facts, clock_offset_s=facts.clock_s - (asked_s + time.time()) / 2)


def _connect(address: Address) -> None:
    # Ray's own time-outs cannot be set.
    try:
        with silent_stderr():
            within(CONNECT_TIMEOUT_S, partial(_init, address))
    except TimeoutError as error:
        raise TransportError(
            f"the lab at {address} does not let this host in: no answer for {CONNECT_TIMEOUT_S:.0f} s",
            hint="let firewalls pass all ports between the lab's hosts (docs/lab.md)",
        ) from error
    except Exception as error:
        raise _refusal(address, error) from error


def _init(address: Address) -> None:
    ray.init(
        address=str(address),
        namespace=NAMESPACE,
        log_to_driver=False,
        configure_logging=False,
        **({"_node_ip_address": address.host} if address.is_loopback else {}),
    )


def _refusal(address: Address, error: BaseException) -> HarnessError:
    text = " ".join(str(error).split())
    if isinstance(error, ConnectionError | ValueError) or "raylet" in text:
        return UsageError(
            f"this machine is not a host of the lab at {address}",
            hint=f"harness lab join {address}",
        )
    return TransportError(f"cannot connect to the lab at {address}: {text[:300] or type(error).__name__}")


def resource(device: str) -> str:
    """The name of a device among Ray's resources."""
    return f"device {device}"


def host_resource(host: str) -> str:
    """The name of a host among Ray's resources: work that must run there asks for a part of it."""
    return f"host {host}"


LOWERING = "lowering"


def resources_of(name: str, devices: Sequence[str], workers: int) -> dict[str, int]:
    """What a host has, for Ray to place work by."""
    lowering = {LOWERING: workers} if workers else {}
    return {host_resource(name): 1, **lowering, **{resource(device): 1 for device in devices}}
