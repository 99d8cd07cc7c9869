"""The ratios of `make bench` over time: one JSON object a line, appended where they are measured.

The file is `benchmarks/history.jsonl`; HARNESS_BENCH_HISTORY names another one.
"""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from harness.system.provenance import git_revision

HISTORY = Path(__file__).resolve().parents[2] / "benchmarks" / "history.jsonl"
Goal = Literal["at least", "at most"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One ratio; `bench` and `what` together name its panel in the plot."""

    date: str
    revision: str | None
    machine: str
    load_average_1min: float
    bench: str
    what: str
    ratio: float
    goal: Goal
    limit: float

    @property
    def met(self) -> bool:
        """Whether the ratio is on the right side of its limit."""
        return self.ratio >= self.limit if self.goal == "at least" else self.ratio <= self.limit


def record(
    bench: str, what: str, ratio: float, *, at_least: float | None = None, at_most: float | None = None
) -> Entry:
    """Append a ratio with its limit, of which exactly one is given; return what was appended."""
    limits = [(goal, limit) for goal, limit in _limits(at_least, at_most) if limit is not None]
    if len(limits) != 1:
        raise ValueError("give either at_least or at_most")
    ((goal, limit),) = limits
    entry = Entry(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        revision=git_revision(),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, {_processor()}",
        load_average_1min=round(os.getloadavg()[0], 2),
        bench=bench,
        what=what,
        ratio=round(ratio, 4),
        goal=goal,
        limit=limit,
    )
    path = history_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    # One write of one line in append mode: two benchmarks at once do not mix their lines.
    with path.open("ab", buffering=0) as file:
        file.write(msgspec.json.encode(entry) + b"\n")
    return entry


def read(path: Path) -> list[Entry]:
    """The entries of a history, oldest first; none where there is no file."""
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Entry) for line in path.read_bytes().splitlines() if line.strip()]


def history_file() -> Path:
    """Where ratios are appended."""
    return Path(os.environ.get("HARNESS_BENCH_HISTORY") or HISTORY)


def _limits(at_least: float | None, at_most: float | None) -> tuple[tuple[Goal, float | None], ...]:
    return (("at least", at_least), ("at most", at_most))


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, text = line.partition(":")
        if name.strip() == "model name":
            return text.strip()
    return "unnamed processor"
