"""Which variant a device measures next: all of them, or, in a pool of equal devices, the next that waits."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from harness.records import Cell, Variant


class Shares(Protocol):
    """Deals out the variants of a run to its devices."""

    def take(self, device: str) -> tuple[Variant, ...]:
        """What the device measures next; empty where nothing waits for it now."""

    def give_back(self, device: str) -> None:
        """The device cannot go on: what it was measuring waits again."""

    def is_over(self) -> bool:
        """Whether nothing waits, and nothing that is being measured could come back."""


class Everything:
    """Each device measures every variant, in one session that visits them in turns."""

    def __init__(self, variants: Sequence[Variant]) -> None:
        self._variants = tuple(variants)
        self._taken: set[str] = set()

    def take(self, device: str) -> tuple[Variant, ...]:
        """All of them, once."""
        if device in self._taken:
            return ()
        self._taken.add(device)
        return self._variants

    def give_back(self, device: str) -> None:
        """No other device measures for this one."""

    def is_over(self) -> bool:
        """No device waits for another."""
        return True


class Pool:
    """Equal devices share the variants; the first variant is measured on all, which shows how equal they are.

    Variants go one at a time to whichever device is free, after those that the device has cells of. What a
    device lost is measured by another one from its beginning. `is_measured` says of a device, there or not,
    and a variant whether its cells have all that is asked for: nobody measures these again.
    """

    def __init__(
        self,
        variants: Sequence[Variant],
        devices: Iterable[str],
        cells: Iterable[Cell],
        is_measured: Callable[[str, Variant], bool] = lambda *_: False,
    ) -> None:
        self._first, *others = variants
        begun: dict[tuple[object, ...], list[str]] = {}
        for cell in cells:
            if not cell.failure:
                begun.setdefault(_identity(cell.variant), []).append(cell.device.name)
        self._own: dict[str, deque[Variant]] = {
            device: deque(() if is_measured(device, self._first) else (self._first,))
            for device in dict.fromkeys(devices)
        }
        self._waiting: deque[Variant] = deque()
        for variant in others:
            begun_by = begun.get(_identity(variant), ())
            if any(is_measured(device, variant) for device in begun_by):
                continue
            # A device finishes what it began, if it is there.
            present = (device for device in begun_by if device in self._own)
            self._own.get(next(present, ""), self._waiting).append(variant)
        self._now: dict[str, Variant] = {}

    def has_work(self) -> bool:
        """Whether there is something to measure, for a device that is there or any other."""
        return bool(self._waiting) or any(self._own.values())

    def take(self, device: str) -> tuple[Variant, ...]:
        """The next one; what the device had before is done."""
        self._now.pop(device, None)
        line = self._own.get(device) or self._waiting
        if not line:
            return ()
        self._now[device] = line.popleft()
        return (self._now[device],)

    def give_back(self, device: str) -> None:
        """What it was measuring, and what it had begun before, is for the others; not what all measure."""
        lost = [*self._own.pop(device, ())]
        if device in self._now:
            lost.insert(0, self._now.pop(device))
        self._waiting.extendleft(variant for variant in reversed(lost) if variant != self._first)

    def is_over(self) -> bool:
        """Whether nothing is left that a free device could get."""
        return not self._waiting and not self._now


def _identity(variant: Variant) -> tuple[object, ...]:
    """Files of one shape and precision have one name."""
    return variant.name, *variant.identity
