"""Which devices may be used at the same time."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from harness.devices.kinds import KINDS
from harness.devices.target import Target

# The devices of a run in groups: those of one work one after the other, the groups at once.
Group = Callable[[Sequence[Target]], Iterable[tuple[Target, ...]]]


def group_by_place(targets: Sequence[Target]) -> Iterator[tuple[Target, ...]]:
    """The devices that run on this host as one group, since they disturb each other; each other one alone."""
    on_host = tuple(target for target in targets if KINDS[target.kind].runs_on_host)
    if on_host:
        yield on_host
    for target in targets:
        if target not in on_host:
            yield (target,)
