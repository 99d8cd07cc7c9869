"""A lab as the place where a run's work is done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from harness.accuracy.workplace import Workplace
from harness.lab.addresses import Address
from harness.lab.connection import connected, refuse_unusable
from harness.lab.devices import resolve_in_lab, survey_in_lab
from harness.lab.evaluating import open_in_lab
from harness.lab.lowering import lower_in_lab
from harness.lab.measuring import group_in_lab, measure_in_lab
from harness.records import DeviceInfo


@contextmanager
def lab_workplace(address: Address, earlier: Sequence[DeviceInfo] | None = None) -> Iterator[Workplace]:
    """Connect to a lab for the time of a run; `earlier` are the devices that a continued run has cells of.

    Raises:
        TransportError: the lab cannot be reached.
        UsageError: its hosts do not fit together, or this machine is none of them.
    """
    with connected(address) as lab:
        refuse_unusable(lab)
        yield Workplace(
            resolve=partial(resolve_in_lab, lab, earlier=earlier),
            survey=partial(survey_in_lab, lab),
            group=partial(group_in_lab, lab),
            lower=partial(lower_in_lab, lab),
            measure=partial(measure_in_lab, lab),
            open_runner=partial(open_in_lab, lab),
            lowers_here=False,
        )
