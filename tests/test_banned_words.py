"""What users read beside help (tests/cli/test_help.py) is in words a stranger knows at sight."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from banned_words import find_banned

PROJECT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(PROJECT)
    for path in (
        *PROJECT.glob("*.md"),
        *(PROJECT / "docs").rglob("*.md"),
        *(PROJECT / "reports").rglob("*.j2"),
    )
)
MODULES = sorted(
    path.relative_to(PROJECT)
    for package in ("harness", "reports", "models", "device_scripts")
    for path in (PROJECT / package).rglob("*.py")
)


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """The string literals of a module that are not docstrings: messages, hints, headings."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_is_in_words_a_stranger_knows(page: Path) -> None:
    assert find_banned((PROJECT / page).read_text()) == []


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_messages_are_in_words_a_stranger_knows(module: Path) -> None:
    found = {line: banned for line, text in _texts(PROJECT / module) if (banned := find_banned(text))}
    assert found == {}


@pytest.mark.parametrize(
    "text", ["the mend", "It TELLS nothing", "in a process of its own", "at most so many", "what to do: wait"]
)
def test_a_banned_word_is_found(text: str) -> None:
    assert find_banned(f"first line\n{text}")[0].startswith("line 2: ")


@pytest.mark.parametrize("text", ["amend", "storyteller", "departments", "a report", "frontier"])
def test_a_word_that_contains_a_banned_one_is_not(text: str) -> None:
    assert find_banned(text) == []
