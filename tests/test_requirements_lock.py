"""`make setup` installs what pyproject.toml asks for: the lock was renewed with it."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.runner.bundle.wheel import WHEEL_DIGESTS
from harness.system.paths import PROJECT

LOCK = (PROJECT / "requirements.lock").read_text(encoding="utf-8")
ENTRIES = re.split(r"\n(?=[A-Za-z])", LOCK.strip())
# The installed digests of its CPU build would not be those of its CUDA build.
BY_VERSION_ONLY = {"torch"}


def read_requirements() -> list[Requirement]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    installed = (*project["project"]["dependencies"], *extras["dev"], *extras["lab"], *extras["lower"])
    lines = [*installed, *project["build-system"]["requires"]]
    return [Requirement(line) for line in lines]


def locked_versions() -> dict[str, list[str]]:
    versions: dict[str, list[str]] = {}
    for entry in ENTRIES:
        name, _, rest = entry.partition("==")
        versions.setdefault(canonicalize_name(name), []).append(re.split(r"[ ;\\]", rest)[0])
    return versions


def test_each_dependency_has_a_locked_version_that_pyproject_allows() -> None:
    locked = locked_versions()
    for requirement in read_requirements():
        name = canonicalize_name(requirement.name)
        if name in BY_VERSION_ONLY:
            assert str(requirement.specifier).startswith("==")
            continue
        assert name in locked, f"run make lock: {name} is missing"
        assert all(requirement.specifier.contains(version) for version in locked[name]), (
            f"run make lock: {name}"
        )


def test_each_locked_package_has_a_digest_and_none_needs_a_graphics_card() -> None:
    for entry in ENTRIES:
        assert "--hash=sha256:" in entry, entry
        assert not entry.startswith(("torch==", "nvidia", "cuda", "triton")), (
            f"add it to NOT_LOCKED: {entry[:60]}"
        )


def test_the_lock_names_no_place_to_download_from() -> None:
    assert "://" not in LOCK


def test_the_digests_of_executorch_are_those_of_the_lock() -> None:
    (entry,) = (entry for entry in ENTRIES if entry.startswith("executorch=="))
    assert WHEEL_DIGESTS.read_text().split() == re.findall("sha256:([0-9a-f]{64})", entry)
