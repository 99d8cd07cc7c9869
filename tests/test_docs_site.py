"""The documentation as a site: what is generated, what is copied, and that every command it shows is one."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from build_site import generated, stage
from command_reference import commands_page
from typer.core import TyperGroup

from banned_words import find_banned
from harness.cli.main import app
from harness.records.published_schema import json_schema
from harness.system.paths import PROJECT

PAGES = sorted((PROJECT / "docs").glob("*.md"))


def commands() -> dict[str, Any]:
    """The commands of `harness` by name."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    return dict(root.commands)


def shown_commands(page: Path) -> list[str]:
    """Lines and code spans that begin with `harness` and an existing command."""
    text = page.read_text()
    blocks = re.findall(r"^```\w+\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line.strip().removeprefix("- run: ") for block in blocks for line in block.splitlines()]
    spans = re.findall(r"`(harness [a-z][^`]*)`", text)
    found = [re.sub(r"^cd \w+ && ", "", line) for line in lines] + spans
    return [line for line in found if re.match(r"harness [a-z]", line)]


def test_the_reference_has_the_help_of_every_command() -> None:
    page = commands_page()
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings[0] == "harness"
    assert {f"harness {name}" for name in commands()} < set(headings)
    assert "harness bundle import" in headings
    assert "--max-latency" in page
    assert commands_page() == page


def test_the_reference_has_each_field_of_the_saved_files() -> None:
    files = generated()
    assert json.loads(files["docs/reference/cell.schema.json"]) == json.loads(json.dumps(json_schema("cell")))
    page = files["docs/reference/schema.md"]
    for name, record in json_schema("cell")["$defs"].items():
        assert f"\n## {name}\n" in page
        assert all(f"| `{field}` |" in page for field in record["properties"])
    assert find_banned(page) == []


def test_what_is_staged_are_the_pages_their_pictures_and_the_reference(tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text("from an earlier build")
    stage(tmp_path)
    assert not (tmp_path / "old.md").exists()
    assert (tmp_path / "README.md").read_bytes() == (PROJECT / "README.md").read_bytes()
    assert (tmp_path / "docs" / "images" / "trade_off.png").exists()
    assert "Usage: harness run" in (tmp_path / "docs" / "reference" / "commands.md").read_text()


def test_every_page_of_the_navigation_exists() -> None:
    navigation = yaml.safe_load((PROJECT / "mkdocs.yml").read_text())["nav"]
    for entry in navigation:
        for page in [entry] if isinstance(entry, str) else next(iter(entry.values())):
            assert (PROJECT / page).exists(), page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_is_accepted(page: Path) -> None:
    for line in shown_commands(page):
        words = shlex.split(re.split(r" (?:>|\||\|\|) |, then", line)[0], comments=True)[1:]
        command = commands().get(words[0])
        assert command is not None, line
        if not isinstance(command, TyperGroup) and len(words) > 1:
            known = {option for parameter in command.params for option in parameter.opts}
            asked = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert asked <= known, line


def test_the_workflow_for_ci_is_a_workflow_that_may_only_comment() -> None:
    block = re.search(
        r"^```yaml\n(.*?)^```", (PROJECT / "docs" / "ci.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert block
    workflow = yaml.safe_load(block[1])
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    (job,) = workflow["jobs"].values()
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    # A title or a branch that somebody else chose never becomes part of a script.
    assert not any("${{" in step.get("run", "") for step in job["steps"])
