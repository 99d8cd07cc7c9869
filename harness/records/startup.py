"""What a process takes until its first result: in general, and with nothing of it in memory."""

from harness.records.measurements import Beginning, Interval
from harness.records.schema import Count, PositiveCount, PositiveNanoseconds, Record


class Startup(Record, frozen=True, kw_only=True):
    """What a fresh process takes until its first result: medians over processes.

    `total_ns` is the median of the sums, not the sum of the medians. The interval of a single process has no
    width, and confidence 0.
    """

    load_ns: Interval
    init_ns: Interval
    first_ns: Interval
    total_ns: Interval
    init_instructions: PositiveCount | None = None


class ColdProcess(Record, frozen=True, kw_only=True):
    """A process that dropped the pages of program and its runtime's libraries from memory before loading.

    `pages` are those of the `files` together, `resident_before_pages` and `resident_pages` how many of them
    were in the page cache before and after dropping. Not cold if `unavailable` has a reason.
    """

    load_ns: PositiveNanoseconds
    init_ns: PositiveNanoseconds
    first_ns: PositiveNanoseconds
    files: PositiveCount
    pages: PositiveCount
    resident_before_pages: Count
    resident_pages: Count
    unavailable: str | None = None
    began: Beginning | None = None

    @property
    def is_cold(self) -> bool:
        """Whether none of the pages was in memory."""
        return self.resident_pages == 0 and self.unavailable is None

    @property
    def total_ns(self) -> int:
        """Load, init and first inference together."""
        return self.load_ns + self.init_ns + self.first_ns


class ColdStartup(Record, frozen=True, kw_only=True):
    """Start-up with nothing of program and runtime in memory, from processes that were not timed otherwise.

    `startup` is over the processes that were shown to be cold, None where none was; `unavailable` says why
    some were not, or why there is no process.
    """

    startup: Startup | None
    processes: tuple[ColdProcess, ...]
    unavailable: str | None = None
