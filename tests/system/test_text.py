import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from harness.system.text import printable


@given(st.text())
def test_nothing_printable_can_steer_a_terminal(text: str) -> None:
    assert not {unicodedata.category(c) for c in printable(text)} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_an_escape_sequence_loses_its_escape_and_other_text_stays() -> None:
    assert printable("Pixel\x1b[31m 6\r\nPro \u624b\u673a") == "Pixel [31m 6 Pro \u624b\u673a"
