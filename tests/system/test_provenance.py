"""Which revision a run records: the harness's own, never that of a repository around an installed wheel."""

import subprocess
from pathlib import Path

import pytest

from harness.system.provenance import git_revision, installed_versions

OURS = '[project]\nname = "mobilenet-harness"\n'


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.invalid")
    done = subprocess.run(["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "first")
    return tmp_path


def test_the_revision_is_that_of_the_harness_own_repository(repository: Path) -> None:
    (repository / "pyproject.toml").write_text(OURS)
    assert git_revision(repository) == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("work_tree", [True, False])
def test_variables_of_another_repository_change_no_revision(
    repository: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    work_tree: bool,
) -> None:
    (repository / "pyproject.toml").write_text(OURS)
    own = git(repository, "rev-parse", "HEAD")
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet")
    git(other, "commit", "--quiet", "--allow-empty", "--message", "foreign")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    if work_tree:
        monkeypatch.setenv("GIT_WORK_TREE", str(repository))
    assert git_revision(repository) == own


@pytest.mark.parametrize("described", [None, OURS], ids=["wheel", "copied sources"])
def test_a_repository_around_the_harness_gives_no_revision(repository: Path, described: str | None) -> None:
    installed = repository / "venv" / "site-packages"
    installed.mkdir(parents=True)
    if described:
        (installed / "pyproject.toml").write_text(described)
    assert git_revision(installed) is None


@pytest.mark.parametrize("described", [None, '[project]\nname = "other"\n', "project = 1", "["])
def test_the_root_of_another_project_gives_no_revision(repository: Path, described: str | None) -> None:
    if described:
        (repository / "pyproject.toml").write_text(described)
    assert git_revision(repository) is None


def test_a_copy_without_git_gives_no_revision(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(OURS)
    assert git_revision(tmp_path) is None


def test_the_versions_of_what_is_measured_with_are_recorded() -> None:
    assert {"python", "torch", "executorch"} <= installed_versions().keys()
