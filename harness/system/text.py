"""Text from outside (devices, files, other programs), made safe for a terminal and for Markdown."""

import re
import shlex
import unicodedata
from pathlib import Path

# Control, format (bidirectional marks among them), surrogate and line separator characters.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]#!|~$]|^[-+=])")
_LIST_NUMBER = re.compile(r"^([0-9]{1,9})([.)])(?=\s|$)")
# GitHub links these in the rendered text, where a backslash is gone: addresses (the autolinks of GitHub
# Flavored Markdown), mentions and issues. An invisible character inside stops it.
_LINKED = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)|(?<=#)(?=[0-9])|(?<=GH-)(?=[0-9])", re.IGNORECASE)
_INVISIBLE = "&#8203;"


def shell_word(path: Path) -> str:
    """The path as one word of a command that is copied into a shell; never taken for an option."""
    return shlex.quote(f"./{path}" if str(path).startswith("-") else str(path))


def printable(text: str | bytes) -> str:
    """The text on one line, each character that could steer a terminal or reorder the line as a space.

    Bytes that are not UTF-8 become U+FFFD.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return " ".join(_without_controls(text).split())


def printable_lines(text: str) -> str:
    """The text made printable, its lines kept: nothing in it steers a terminal."""
    return "\n".join(_without_controls(line) for line in text.split("\n"))


def _without_controls(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(" " if is_control(character) else character for character in text)


def is_control(character: str) -> bool:
    """Whether the character could steer a terminal or reorder a line, or is an invisible format character."""
    return unicodedata.category(character) in _UNPRINTABLE


def markdown(text: str) -> str:
    """Markdown that shows the text literally, also in a table: no tag, link, mention or cell border."""
    broken = _LINKED.sub("\0", printable(text))
    escaped = broken.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    escaped = _LIST_NUMBER.sub(r"\1\\\2", _MARKDOWN_SPECIAL.sub(r"\\\1", escaped))
    return escaped.replace("\0", _INVISIBLE)


def excerpt(text: str | bytes) -> str:
    """The text made printable, its first 500 characters: as a device's values are recorded and shown."""
    return printable(text)[:500]


def ending(output: str | bytes) -> str:
    """The output made printable, its last 300 characters: programs give the reason of a failure last."""
    return printable(output)[-300:]


def last_line(output: bytes) -> str:
    """The last line of the output, made printable as in `ending`."""
    return ending(output.strip().rpartition(b"\n")[2])
