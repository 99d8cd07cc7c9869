"""The pages that newcomers read: their links lead somewhere, and their tree is the tree there is."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path for pattern in ("*.md", "docs/**/*.md", "benchmarks/*.md") for path in PROJECT.glob(pattern)
)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
NAMED_PATH = re.compile(
    r"`((?:harness|models|reports|device_scripts|tests|docs|benchmarks|\.ci|\.github)/[\w./-]*)`"
)


def anchor(heading: str) -> str:
    """As GitHub derives it from a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = page.read_text()
    named = set(re.findall(r'<a id="([^"]+)"></a>', text))
    return named | {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    for target, fragment in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), f"{page.name} links to {target}"
        if fragment:
            assert fragment in anchors(linked), f"{page.name} links to {target}#{fragment}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    for name in NAMED_PATH.findall(page.read_text()):
        assert (PROJECT / name).exists(), f"{page.name} names {name}"


@pytest.mark.parametrize("page", ["docs/architecture.md", "README.md"])
def test_each_tree_draws_every_room_of_the_harness(page: str) -> None:
    text = (PROJECT / page).read_text()
    tree = re.search(r"^```\n(models/.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert tree, "the page draws no tree"
    drawn = set(re.findall(r"^  (\S+)", tree[1], re.MULTILINE))
    present = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (PROJECT / "harness").iterdir()
        if not path.name.startswith("__") and path.name != "py.typed"
    }
    assert drawn == present


def test_every_decision_is_listed_and_has_its_four_parts() -> None:
    folder = PROJECT / "docs" / "decisions"
    listed = set(re.findall(r"\(([\w-]+\.md)\)", (folder / "README.md").read_text()))
    assert listed == {path.name for path in folder.glob("*.md")} - {"README.md"}
    for name in listed:
        text = (folder / name).read_text()
        for part in ("Context", "Decision", "Consequences", "Evidence"):
            assert f"**{part}.**" in text, f"{name} has no {part}"
