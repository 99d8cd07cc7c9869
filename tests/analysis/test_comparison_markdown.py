"""`compare --markdown` goes into a comment on GitHub: names of devices and runs stay text there."""

from builders import make_cell, make_device
from harness.analysis.comparison import compare
from harness.analysis.comparison_text import to_markdown

HOSTILE = "|<img src=x>`@all` [a](http://evil.example)\n# b \x1b[2J\u202e$x$ #1"


def test_no_name_opens_a_tag_a_cell_a_link_or_a_mention() -> None:
    mine, other = make_cell(), make_cell(device=make_device(name=HOSTILE))
    lines = to_markdown(compare([mine, other], [mine])).splitlines()
    (named,) = [line for line in lines if line.startswith("Only in base")]
    assert "@&#8203;all" in named
    assert "http:&#8203;//evil.example" in named
    assert r"\[a\](http" in named
    assert "<" not in named
    assert not {"\x1b", "\u202e", "\u200b"} & set(named)
    assert " $" not in named
    assert len([line for line in lines if line.startswith("| ")]) == 3


def test_a_hostile_name_keeps_the_columns_of_the_table() -> None:
    cell = make_cell(device=make_device(name=HOSTILE))
    lines = to_markdown(compare([cell], [cell])).splitlines()
    rows = [line.replace("\\|", "") for line in lines if line.startswith("| ")]
    assert len({row.count("|") for row in rows}) == 1
