"""Tables on the terminal: where one does not fit, each row takes two lines, and nothing of it is cut."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from harness.system.text import printable

COLUMN_GAP = 2
# A narrower terminal shows every column of a row that does not fit, on lines below its name.
NARROW = 100
VERDICT_STYLES = {"valid": "green", "suspect": "yellow", "invalid": "bold red"}
_UNITS = ("ms", "MB", "M", "k", "%")


def print_table(
    console: Console,
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    droppable: Sequence[str] = (),
    identity: int = 1,
) -> tuple[str, ...]:
    """Print a table; the first `identity` columns and the last one are never left out or cut.

    Where it is too wide, `droppable` columns are left out in order, and headings wrap. Where that is not
    enough, or the terminal is narrow, the name and the last column of each row have a line, and the other
    columns the lines below. Returns the columns that are shown.
    """
    rows = [tuple(map(printable, row)) for row in rows]
    shown = list(range(len(columns)))
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    if console.width >= NARROW:
        for name in droppable:
            if _total(widths, shown) <= console.width:
                break
            if name in columns:
                shown.remove(columns.index(name))
        widths = [_least_width(columns, rows, index) for index in range(len(columns))]
    if _total(widths, shown) <= console.width:
        console.print(_table(title, columns, rows, shown))
    else:
        shown = list(range(len(columns)))
        for line in _listed(title, columns, rows, identity, console.width):
            console.print(line, soft_wrap=True, highlight=False)
    console.print()
    return tuple(columns[index] for index in shown)


def _least_width(columns: Sequence[str], rows: Sequence[Sequence[str]], index: int) -> int:
    """Texts stay on one line, headings wrap between words."""
    return max(map(len, (*columns[index].split(), *(row[index] for row in rows))), default=0)


def _total(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[index] + COLUMN_GAP for index in shown)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], shown: Sequence[int]) -> Table:
    table = Table(
        title=escape(printable(title)),
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, COLUMN_GAP - 1, 0, 0),
    )
    for index in shown:
        table.add_column(escape(columns[index]), min_width=_least_width(columns, rows, index))
    for row in rows:
        table.add_row(*(escape(row[index]) for index in shown[:-1]), _verdict(row))
    return table


def _listed(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], identity: int, width: int
) -> Iterator[str]:
    """Markup, line by line."""
    if title:
        yield f"[bold]{escape(printable(title))}[/]"
    for row in rows:
        yield f"{escape(' '.join(row[:identity]))}: {_verdict(row)}"
        figures = [
            _figure(column, text)
            for column, text in zip(columns[identity:-1], row[identity:-1], strict=True)
            if text
        ]
        yield from (f"  {escape(line)}" for line in _fill(figures, width - 2))


def _verdict(row: Sequence[str]) -> str:
    style = VERDICT_STYLES.get(row[-1])
    return f"[{style}]{escape(row[-1])}[/]" if style else escape(row[-1])


def _figure(column: str, text: str) -> str:
    """`latency 1.20 ± 0.02 ms` of the column `latency ms`."""
    name, _, unit = column.rpartition(" ")
    return f"{name} {text} {unit}" if unit in _UNITS else f"{column} {text}".strip()


def _fill(figures: Sequence[str], width: int) -> Iterator[str]:
    """As few lines as hold the figures, none of which is broken."""
    line = ""
    for index, figure in enumerate(figures):
        figure += "," if index + 1 < len(figures) else ""
        if line and len(line) + 1 + len(figure) > width:
            yield line
            line = figure
        else:
            line = f"{line} {figure}".strip()
    if line:
        yield line
