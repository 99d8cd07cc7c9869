"""Which variant a device measures next: all of them, or, in a pool of equal devices, the next that waits."""

from collections import deque
from collections.abc import Iterable, Sequence
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
    device lost is measured by another one from its beginning.
    """

    def __init__(self, variants: Sequence[Variant], devices: Iterable[str], cells: Iterable[Cell]) -> None:
        self._first, *others = variants
        names = {variant.name: variant for variant in others}
        begun: dict[str, list[Variant]] = {}
        for cell in cells:
            # Of its own accord a device finishes what it began.
            if not cell.failure and (variant := names.pop(cell.variant.name, None)):
                begun.setdefault(cell.device.name, []).append(variant)
        present = set(devices)
        self._own = {device: deque((self._first, *begun.get(device, ()))) for device in present}
        moved = {variant for device in begun.keys() - present for variant in begun[device]}
        self._waiting = deque(variant for variant in others if variant.name in names or variant in moved)
        self._now: dict[str, Variant] = {}

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
