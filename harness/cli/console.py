"""What the terminal shows while it works, and errors."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from harness.cli.application import console_for
from harness.errors import HarnessError, UsageError, WrongOptions
from harness.records.progress import Event, Listener
from harness.system.text import printable, printable_lines

# A narrower terminal has a shorter bar and no elapsed time.
ROOMY = 80
LONGEST_DEVICE = 16
# Between two lines about the same work in a log.
SECONDS_BETWEEN_LINES = 30


@contextmanager
def show_progress(
    *, quiet: bool, verbose: bool = False, console: Console | None = None
) -> Iterator[Listener]:
    """Yield a listener that shows events on stderr: as progress bars, or as lines without a terminal.

    Raises:
        UsageError: both `quiet` and `verbose` are set.
    """
    if quiet and verbose:
        raise UsageError("--quiet and --verbose conflict", hint="give one of them")
    console = console or console_for(stderr=True)
    if quiet:
        yield lambda event: None
    elif verbose:
        yield _Verbose(console).listen
    elif console.is_terminal:
        progress = Progress(*_columns(console.width), console=console)
        try:
            yield _Bars(progress).listen
        finally:
            progress.stop()
    else:
        yield _Log(console).listen


class _Message(ProgressColumn):
    """What is being done, last: it alone gives way where the line is too long."""

    def render(self, task: Task) -> Text:
        """One line, cut at its end."""
        message = Text.from_markup(task.description, overflow="ellipsis")
        message.no_wrap = True
        return message


class _Device(ProgressColumn):
    """The device's name; a long one is cut, so that it moves nothing else."""

    def render(self, task: Task) -> Text:
        """In bold, at most as long as its column."""
        name = Text.from_markup(str(task.fields["device"]), style="bold")
        name.truncate(LONGEST_DEVICE, overflow="ellipsis")
        return name


class _TimeLeft(TimeRemainingColumn):
    """The time left, called so: beside the elapsed time a bare one could be either."""

    def render(self, task: Task) -> Text:
        """`0:01:30 left`; empty as long as nobody knows how much there is to do."""
        left = super().render(task)
        return left.append(" left") if left.plain else left


def _columns(width: int) -> tuple[ProgressColumn, ...]:
    """Everything but the message has a width that the message does not change."""
    roomy = width >= ROOMY
    fixed = (
        _Device(table_column=Column(no_wrap=True)),
        BarColumn(bar_width=20 if roomy else 10, table_column=Column(no_wrap=True)),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        *((TimeElapsedColumn(table_column=Column(no_wrap=True)),) if roomy else ()),
        _TimeLeft(table_column=Column(no_wrap=True)),
    )
    return (*fixed, _Message(table_column=Column(ratio=1, no_wrap=False)))


class _Countdowns:
    """Which of the messages on the time left of a process are worth a line: one each half minute."""

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}

    def is_due(self, event: Event) -> bool:
        """Whether to print the event, which is then printed; others than such messages always are."""
        now = time.monotonic()
        if event.left_s is None:
            return True
        if now - self._logged.get(event.device, -math.inf) < SECONDS_BETWEEN_LINES:
            return False
        self._logged[event.device] = now
        return True


class _Verbose:
    """A line per event, with the time of day."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._countdowns = _Countdowns()

    def listen(self, event: Event) -> None:
        """Print the event."""
        if not self._countdowns.is_due(event):
            return
        cell = event.cell
        text = event.text
        if cell:
            count = len(cell.processes)
            processes = f"{count} process{'' if count == 1 else 'es'} measured"
            state = f"failed: {cell.failure.what}" if cell.failure else processes
            ended = f", ended by {cell.stopped_by}" if cell.stopped_by else ""
            text = f"{cell.variant.name}: {state}{ended}"
        steps = f" ({event.step} of {event.steps})" if event.steps else ""
        line = f"{datetime.now():%H:%M:%S} {event.device or 'lowering'}: {text}{steps}"
        self._console.print(_literal(line), soft_wrap=True, highlight=False)


class _Bars:
    """One progress bar per device."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def listen(self, event: Event) -> None:
        """Update the line of the event's device."""
        device = event.device or "lowering"
        if device not in self._tasks:
            # Not before: what is asked first needs the terminal.
            self._progress.start()
            self._tasks[device] = self._progress.add_task("", total=None, device=_literal(device))
        text = event.text or (event.cell.variant.name if event.cell else "")
        self._progress.update(
            self._tasks[device],
            description=_literal(text),
            completed=event.step,
            total=event.steps or None,
        )


@dataclass
class _Pace:
    """When a device's steps began and were last logged, to estimate the time left."""

    steps: int
    first_step: int
    began: float
    last_logged: float


class _Log:
    """Plain lines: what was lowered, each cell once it is complete, and every half minute the progress."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._complete: set[str] = set()
        self._paces: dict[str, _Pace] = {}
        self._countdowns = _Countdowns()

    def listen(self, event: Event) -> None:
        """Print what is worth a line."""
        cell = event.cell
        steps = f" ({event.step} of {event.steps})" if event.steps else ""
        if cell is None:
            if event.left_s is not None:
                if self._countdowns.is_due(event):
                    self._print(f"{event.device}: {event.text}")
            elif event.device and event.steps:
                self._print_pace(event)
            else:
                self._print(f"{event.device or 'lowering'}: {event.text}{steps}")
        elif (cell.failure or cell.stopped_by) and cell.name not in self._complete:
            self._complete.add(cell.name)
            what = f"failed: {cell.failure.what}" if cell.failure else "measured"
            # A run's steps are processes of all its cells.
            steps = f" (process {event.step} of {event.steps})" if event.steps else ""
            self._print(f"{event.device}: {cell.variant.name} {what}{steps}")

    def _print_pace(self, event: Event) -> None:
        now = time.monotonic()
        pace = self._paces.get(event.device)
        if pace is None or pace.steps != event.steps or event.step < pace.first_step:
            self._paces[event.device] = _Pace(event.steps, event.step, now, now)
        elif now - pace.last_logged >= SECONDS_BETWEEN_LINES and event.step > pace.first_step:
            pace.last_logged = now
            left = (now - pace.began) / (event.step - pace.first_step) * (event.steps - event.step)
            steps = f"{event.step} of {event.steps}, about {_minutes(left)} left"
            self._print(f"{event.device}: {event.text} ({steps})")

    def _print(self, text: str) -> None:
        self._console.print(_literal(text), soft_wrap=True)


def _literal(text: str) -> str:
    """Markup that shows the text on one line as it is, without what could steer the terminal."""
    return escape(printable(text))


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def print_error(console: Console, error: HarnessError) -> None:
    """One readable block; a line that another program wrote begins with `|` and imitates none of ours."""
    causes = error.causes if isinstance(error, WrongOptions) else ()
    if causes:
        lines = [f"the command line has {len(causes)} errors"]
        lines += [line for cause in causes for line in _error_lines(cause, "  ")]
    else:
        lines = _error_lines(error)
    block = escape("\n".join(lines))
    console.print(f"[bold red]error:[/] {block}", soft_wrap=True, highlight=False)


def _error_lines(error: HarnessError, indent: str = "") -> list[str]:
    what, *more = printable_lines(error.what).strip().split("\n")
    about = printable(error.subject)
    lines = [indent + f"\n{indent}  | ".join((what, *more)) + (f" ({about})" if about else "")]
    if error.hint:
        lines.append(f"{indent}  hint: {printable(error.hint)}")
    return lines
