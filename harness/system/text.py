"""Text from outside (devices, files, other programs), made safe to show on one line of a terminal."""

import unicodedata

# Control, format (bidirectional marks among them), surrogate and line separator characters.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str | bytes) -> str:
    """The text on one line, each character that could steer a terminal or reorder the line as a space.

    Bytes that are not UTF-8 become U+FFFD.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    safe = (" " if unicodedata.category(character) in _UNPRINTABLE else character for character in text)
    return " ".join("".join(safe).split())


def excerpt(text: str | bytes) -> str:
    """The text made printable, its first 500 characters: as a device's values are recorded and shown."""
    return printable(text)[:500]


def ending(output: str | bytes) -> str:
    """The output made printable, its last 300 characters: programs give the reason of a failure last."""
    return printable(output)[-300:]


def last_line(output: bytes) -> str:
    """The last line of the output, made printable as in `ending`."""
    return ending(output.strip().rpartition(b"\n")[2])
