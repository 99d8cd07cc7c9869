import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.escaping import markdown, spreadsheet


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", "\uff1d1", "\u202e=1"])
def test_what_a_spreadsheet_would_run_becomes_text(text: str) -> None:
    assert spreadsheet(text).startswith("'")


def test_ordinary_text_reaches_the_spreadsheet_unchanged() -> None:
    assert spreadsheet("Pixel 6 Pro") == "Pixel 6 Pro"


@given(st.text())
def test_markdown_never_opens_a_tag_a_table_cell_or_a_line(text: str) -> None:
    escaped = markdown(text)
    assert "<" not in escaped
    assert "\n" not in escaped
    assert "|" not in escaped.replace("\\|", "").replace("\\\\", "")


def test_markdown_shows_emphasis_links_and_mentions_literally() -> None:
    assert markdown("*a* [b](c) `d` @e") == r"\*a\* \[b\](c) \`d\` @" + "\u200be"
    assert markdown("0.5/160 int8") == "0.5/160 int8"
