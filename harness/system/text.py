"""Text from outside, made safe to print on a terminal."""

import unicodedata

# Control, format (bidirectional overrides among them), surrogate and line separator characters.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def printable(text: str) -> str:
    """The text on one line, with whatever could steer a terminal or reorder a line shown as a space."""
    safe = (" " if unicodedata.category(character) in _UNPRINTABLE else character for character in text)
    return " ".join("".join(safe).split())
