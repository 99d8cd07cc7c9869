"""The process at a host that measures on one group of devices, as the process that leads the run sees it."""

from dataclasses import dataclass
from typing import Any, Protocol, Self

from harness.lab.connection import host_resource, resource
from harness.lab.facts import HostFacts
from harness.lab.ray_library import ray
from harness.lab.worker import DeviceWorker, Order
from harness.records import Variant

# Places work on a host; any number of them is there.
SMALL_SHARE = 0.0001


class StartWorker(Protocol):
    """Asks for a process at a host that holds these devices."""

    def __call__(self, host: HostFacts, devices: tuple[str, ...]) -> "RemoteWorker":
        """Returns at once; the process is there when `ready` has an answer."""


@dataclass(frozen=True)
class RemoteWorker:
    """An actor of Ray; what comes later is returned as a reference to it."""

    actor: Any

    @classmethod
    def start(cls, host: HostFacts, devices: tuple[str, ...]) -> Self:
        """Ray starts it as soon as the devices are free."""
        needed: dict[str, float] = {resource(name): 1 for name in devices}
        here = {host_resource(host.name): SMALL_SHARE}
        return cls(DeviceWorker.options(resources={**needed, **here}).remote())

    def ready(self) -> Any:
        """Answers nothing, once the devices are ours."""
        return self.actor.ready.remote()

    def measure(self, order: Order) -> Any:
        """The stream of `Item`s."""
        return self.actor.measure.options(num_returns="streaming").remote(order)

    def take(self, variant: Variant, given: Any) -> None:
        """Give it a reference to the `Parcel` of a program, or the `SentError` why there is none."""
        self.actor.take.remote(variant, given)

    def cancel(self) -> None:
        """Let it end what it measures; the stream then ends by itself."""
        self.actor.cancel.remote()

    def end(self) -> None:
        """Free the devices, whatever it does."""
        ray.kill(self.actor)
