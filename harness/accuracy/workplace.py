"""Where the work of a run is done: on this host and its devices, or on the hosts of a lab and theirs."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from harness.accuracy.image_runner import OpenImageRunner, open_image_runner
from harness.devices.places import Group, group_by_place
from harness.devices.target import Target
from harness.lowering.background import Artifacts
from harness.lowering.inputs import Inputs
from harness.lowering.lower import lower_variants
from harness.measuring.parallel import MeasureOn, measure_on
from harness.measuring.preflight import Survey, survey
from harness.measuring.targets import resolve_devices
from harness.records import RunRequest, Variant
from harness.records.progress import Listener, Log

LowerVariants = Callable[
    [Sequence[Variant], RunRequest, Listener, Inputs | None], AbstractContextManager[Artifacts]
]


class LookAt(Protocol):
    """Looks at devices before a run begins."""

    def __call__(self, targets: Sequence[Target], log: Log, *, energy: bool = False) -> Survey:
        """What is known of them, and wrong with them."""


@dataclass(frozen=True)
class Workplace:
    """How devices are found, looked at and measured on, and where variants are lowered.

    `group` tells which devices work one after the other, and which at once.
    `lowers_here` is false where another host may have the packages for it.
    """

    resolve: Callable[[Sequence[str], Log], tuple[Target, ...]] = resolve_devices
    survey: LookAt = survey
    group: Group = group_by_place
    lower: LowerVariants = lower_variants
    measure: MeasureOn = measure_on
    open_runner: OpenImageRunner = open_image_runner
    lowers_here: bool = True


THIS_HOST = Workplace()
