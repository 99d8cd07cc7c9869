"""What users read in reports, README and CHANGELOG is in words that a stranger knows."""

from pathlib import Path

import pytest

from banned_words import find_banned
from harness.system.paths import PROJECT
from synthetic import Written

TEXTS = (
    *sorted((PROJECT / "reports").rglob("*.j2")),
    *sorted((PROJECT / "reports").rglob("*.py")),
    PROJECT / "README.md",
    PROJECT / "CHANGELOG.md",
)


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: str(file.relative_to(PROJECT)))
def test_templates_modules_and_front_pages_have_no_banned_word(file: Path) -> None:
    assert find_banned(file.read_text(encoding="utf-8")) == []


def test_a_written_report_has_no_banned_word(written: Written) -> None:
    assert find_banned(written.read("report.md")) == []
