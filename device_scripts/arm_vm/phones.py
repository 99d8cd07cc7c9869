"""The recorded phones that can be laid over the machine: one table for each in `phones/`.

A line is a path, a tab, and the file's escaped content; `[0-3]` in a path makes four files. A path that ends
in `/` is a file that the shell user cannot read.
"""

import re
from collections.abc import Iterator
from pathlib import Path

ESCAPES = {"\\n": "\n", "\\t": "\t", "\\0": "\0", "\\\\": "\\"}
UNREADABLE = 0o000


def read_phone(table: Path) -> Iterator[tuple[str, str]]:
    """Each file's path, which may end in `/`, and its content."""
    for line in table.read_text().splitlines():
        pattern, content = line.split("\t", 1)
        text = re.sub(r"\\[nt0\\]", lambda escape: ESCAPES[escape[0]], content)
        for path in _expanded(pattern.lstrip("/")):
            yield path, text


def lay_phone(table: Path, root: Path) -> None:
    """Write the phone's files under `root`."""
    for name, text in read_phone(table):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(UNREADABLE if name.endswith("/") else 0o755 if name.startswith("bin/") else 0o444)


def _expanded(pattern: str) -> list[str]:
    match = re.search(r"\[([0-9]+)-([0-9]+)\]", pattern)
    if not match:
        return [pattern]
    before, after = pattern[: match.start()], pattern[match.end() :]
    return [f"{before}{number}{after}" for number in range(int(match[1]), int(match[2]) + 1)]
