"""`make setup` and `make test-extras` install what pyproject.toml asks for: `make lock` was run."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.runner.bundle.wheel import WHEEL_DIGESTS
from harness.system.paths import PROJECT

LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
EXTRAS_LOCK = (PROJECT / "requirements-extras.lock").read_text(encoding="utf-8")
ENTRIES = re.split(r"\n(?=[A-Za-z])", LOCK.strip())
# What these extras add to the rest, or need older.
EXTRAS_ENTRIES = re.split(r"\n(?=[A-Za-z])", EXTRAS_LOCK.strip())
# The installed digests of its CPU build would not be those of its CUDA build.
BY_VERSION_ONLY = {"torch"}


TABLE = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = TABLE["project"]["optional-dependencies"]


def read_requirements() -> list[Requirement]:
    installed = (*TABLE["project"]["dependencies"], *EXTRAS["dev"], *EXTRAS["lab"], *EXTRAS["lower"])
    lines = [*installed, *TABLE["build-system"]["requires"]]
    return [Requirement(line) for line in lines]


def locked_versions(entries: list[str]) -> dict[str, list[str]]:
    versions: dict[str, list[str]] = {}
    for entry in entries:
        name, _, rest = entry.partition("==")
        versions.setdefault(canonicalize_name(name), []).append(re.split(r"[ ;\\]", rest)[0])
    return versions


def test_each_dependency_has_a_locked_version_that_pyproject_allows() -> None:
    locked = locked_versions(ENTRIES)
    for requirement in read_requirements():
        name = canonicalize_name(requirement.name)
        if name in BY_VERSION_ONLY:
            assert str(requirement.specifier).startswith("==")
            continue
        assert name in locked, f"run make lock: {name} is missing"
        assert all(requirement.specifier.contains(version) for version in locked[name]), (
            f"run make lock: {name}"
        )


def test_each_extra_that_has_its_own_environment_is_locked_too() -> None:
    locked = locked_versions(ENTRIES) | locked_versions(EXTRAS_ENTRIES)
    requirements = [Requirement(line) for line in (*EXTRAS["litert"], *EXTRAS["huggingface"])]
    others = [one for one in requirements if one.name != TABLE["project"]["name"]]
    assert len(others) > 3
    for requirement in others:
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"run make lock: {requirement.name} is missing"
        assert all(map(requirement.specifier.contains, versions)), f"run make lock: {requirement.name}"


def test_each_locked_package_has_a_digest_and_none_needs_a_graphics_card() -> None:
    for entry in (*ENTRIES, *EXTRAS_ENTRIES):
        assert "--hash=sha256:" in entry, entry
        assert not entry.startswith(("torch==", "nvidia", "cuda", "triton")), (
            f"add it to NOT_LOCKED: {entry[:60]}"
        )


def test_the_locks_name_no_place_to_download_from() -> None:
    assert "://" not in LOCK + EXTRAS_LOCK


def test_the_digests_of_executorch_are_those_of_the_lock() -> None:
    (entry,) = (entry for entry in ENTRIES if entry.startswith("executorch=="))
    assert WHEEL_DIGESTS.read_text().split() == re.findall("sha256:([0-9a-f]{64})", entry)
