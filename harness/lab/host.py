"""What runs on each host for as long as it is in the lab: an actor that answers for the host's devices."""

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence

from harness.devices.target import Target
from harness.lab.facts import Hold, HostFacts, describe_this_host
from harness.lab.ray_library import ray
from harness.lab.sent_errors import SentError, send
from harness.measuring.preflight import Survey, survey

NAMESPACE = "harness"
PREFIX = "host "
# Those that wait ask every second.
GONE_AFTER_S = 10.0


@dataclasses.dataclass(frozen=True)
class SentSurvey:
    """A survey whose errors can cross to another process."""

    survey: Survey
    unreachable: dict[str, SentError]


@dataclasses.dataclass(frozen=True)
class Waiting:
    """One in the line for devices; `seen_s` is when it asked last, by this host's monotonic clock."""

    devices: tuple[str, ...]
    holder: str
    seen_s: float


@dataclasses.dataclass(frozen=True)
class Turn:
    """The place in a line: whether it is the first, and who uses the devices now, or else is before."""

    is_first: bool
    user: str


class HostAnswers:
    """Facts of a host, a look at its devices, and who uses which."""

    def __init__(
        self, name: str, devices: tuple[Target, ...], lowering_workers: int, object_store_bytes: int
    ) -> None:
        self._describe: Callable[[], HostFacts] = lambda: describe_this_host(
            name, devices, lowering_workers, object_store_bytes
        )
        self._holds: dict[str, Hold] = {}
        self._line: dict[str, Waiting] = {}
        self._lock = threading.Lock()

    def describe(self) -> HostFacts:
        """The facts as of now."""
        return dataclasses.replace(self._describe(), holds=tuple(self._holds.values()))

    def wait_in_line(self, token: str, devices: tuple[str, ...], holder: str) -> Turn:
        """Whether it is the caller's turn; the first in the line asks Ray for the devices.

        Ray gives a device to one process at a time, but to any of those that wait. A caller who has not
        asked for `GONE_AFTER_S` has left the line.
        """
        now = time.monotonic()
        with self._lock:
            self._line[token] = Waiting(devices, holder, now)
            self._line = {key: one for key, one in self._line.items() if now - one.seen_s < GONE_AFTER_S}
            users = [hold.holder for hold in self._holds.values() if set(hold.devices) & set(devices)]
            for key, one in self._line.items():
                if key == token:
                    break
                if set(one.devices) & set(devices):
                    return Turn(False, (users or [one.holder])[0])
        return Turn(True, users[0] if users else "")

    def hold(self, token: str, devices: tuple[str, ...], holder: str) -> None:
        """Record who uses these devices from now on, in place of who used them before."""
        with self._lock:
            self._line.pop(token, None)
            others = {key: one for key, one in self._holds.items() if not set(one.devices) & set(devices)}
            self._holds = {**others, token: Hold(devices, holder, time.time())}

    def release(self, token: str) -> None:
        """They are free again, or not wanted any more."""
        with self._lock:
            self._line.pop(token, None)
            self._holds.pop(token, None)

    def survey(self, targets: Sequence[Target], *, energy: bool) -> SentSurvey:
        """Look at these devices, as a run on this host does before it begins."""
        found = survey(targets, lambda _: None, energy=energy)
        unreachable = {name: send(error) for name, error in found.unreachable.items()}
        return SentSurvey(dataclasses.replace(found, unreachable={}), unreachable)


Host = ray.remote(num_cpus=0, max_concurrency=16)(HostAnswers)
