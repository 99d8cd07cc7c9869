"""The kernel's list format of CPUs, such as `0-3,6` (Documentation/admin-guide/cputopology.rst)."""

from collections.abc import Iterable
from functools import lru_cache

# Far beyond any device: a hostile list must not fill memory.
MAX_CPUS = 4096


@lru_cache(maxsize=64)  # Each process of each saved cell names one, and most name the same.
def parse_cpu_list(text: str) -> tuple[int, ...] | None:
    """Indices in the order of the text, each once; None when the text is no CPU list."""
    indices: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or max(len(first), len(last)) > 5:
            return None
        start, stop = int(first), int(last or first)
        if not start <= stop < MAX_CPUS:
            return None
        indices.extend(range(start, stop + 1))
    return tuple(dict.fromkeys(indices))


def format_cpu_list(indices: Iterable[int]) -> str:
    """Indices in ascending order as the kernel lists them: `0-3,6`; empty for none."""
    parts: list[list[int]] = []
    for index in sorted(set(indices)):
        if parts and index == parts[-1][-1] + 1:
            parts[-1].append(index)
        else:
            parts.append([index])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else f"{part[0]}" for part in parts)
