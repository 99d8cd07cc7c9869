"""What runs on each host for as long as it is in the lab: an actor that answers for the host's devices."""

import dataclasses
import time
from collections.abc import Callable, Sequence

from harness.devices.target import Target
from harness.lab.facts import Hold, HostFacts, describe_this_host
from harness.lab.ray_library import ray
from harness.lab.sent_errors import SentError, send
from harness.measuring.preflight import Survey, survey

NAMESPACE = "harness"
PREFIX = "host "


@dataclasses.dataclass(frozen=True)
class SentSurvey:
    """A survey whose errors can cross to another process."""

    survey: Survey
    unreachable: dict[str, SentError]


@ray.remote(num_cpus=0, max_concurrency=16)
class Host:
    """Facts of a host, a look at its devices, and who uses which."""

    def __init__(
        self, name: str, devices: tuple[Target, ...], lowering_workers: int, object_store_bytes: int
    ) -> None:
        self._describe: Callable[[], HostFacts] = lambda: describe_this_host(
            name, devices, lowering_workers, object_store_bytes
        )
        self._holds: dict[str, Hold] = {}

    def describe(self) -> HostFacts:
        """The facts as of now."""
        return dataclasses.replace(self._describe(), holds=tuple(self._holds.values()))

    def hold(self, token: str, devices: tuple[str, ...], holder: str) -> None:
        """Record who uses these devices from now on, in place of who used them before."""
        self._holds = {key: hold for key, hold in self._holds.items() if not set(hold.devices) & set(devices)}
        self._holds[token] = Hold(devices, holder, time.time())

    def release(self, token: str) -> None:
        """They are free again."""
        self._holds.pop(token, None)

    def survey(self, targets: Sequence[Target], *, energy: bool) -> SentSurvey:
        """Look at these devices, as a run on this host does before it begins."""
        found = survey(targets, lambda _: None, energy=energy)
        unreachable = {name: send(error) for name, error in found.unreachable.items()}
        return SentSurvey(dataclasses.replace(found, unreachable={}), unreachable)
