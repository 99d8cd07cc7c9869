"""What users read in a written report is in words that a stranger knows."""

from banned_words import find_banned
from synthetic import Written


def test_a_written_report_has_no_banned_word(written: Written) -> None:
    assert find_banned(written.read("report.md")) == []
