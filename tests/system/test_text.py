"""Text from outside on its way to a terminal."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.system.text import ending, excerpt, last_line, printable

UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
CLEANERS = (printable, excerpt, ending)


@given(st.text() | st.binary())
@pytest.mark.parametrize("clean", CLEANERS)
def test_nothing_printable_can_steer_a_terminal(
    clean: Callable[[str | bytes], str], text: str | bytes
) -> None:
    assert not {unicodedata.category(character) for character in clean(text)} & UNPRINTABLE


@given(st.binary())
def test_no_last_line_can_steer_a_terminal(output: bytes) -> None:
    assert not {unicodedata.category(character) for character in last_line(output)} & UNPRINTABLE


def test_an_escape_sequence_loses_its_escape_and_other_text_stays() -> None:
    assert printable("Pixel\x1b[31m 6\r\nPro \u624b\u673a") == "Pixel [31m 6 Pro \u624b\u673a"


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\ufeff"])
def test_bidirectional_and_invisible_marks_become_spaces(mark: str) -> None:
    assert printable(f"a{mark}b") == "a b"


def test_bytes_that_are_not_utf_8_are_shown_as_replaced() -> None:
    assert printable(b"caf\xe9 ok") == "caf\ufffd ok"


def test_long_text_keeps_its_start_in_an_excerpt_and_its_end_in_an_ending() -> None:
    text = "a" * 1000 + "b" * 1000
    assert excerpt(text) == "a" * 500
    assert ending(text) == "b" * 300


def test_the_last_line_is_the_last_with_text() -> None:
    assert last_line(b"first\nsecond \x1b[2J\n\n") == "second [2J"
