"""One cache for the tests that only need some lowered variant, filled once."""

import os
import shutil
from pathlib import Path

import pytest
from small_variants import SMALL, SMALL_INT8

from harness.lowering.artifact import lower_cached
from harness.lowering.artifact_store import StoredArtifact


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def filled_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds `SMALL` and `SMALL_INT8`."""
    folder = tmp_path_factory.mktemp("lowered")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "HARNESS_CACHE", str(folder))
        lower_cached(SMALL)
        lower_cached(SMALL_INT8)
    return folder


@pytest.fixture
def shared_cache(filled_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The filled cache, in use."""
    monkeypatch.setenv("HARNESS_CACHE", str(filled_cache))
    return filled_cache


@pytest.fixture
def small(shared_cache: Path) -> StoredArtifact:
    """`SMALL`, from the filled cache."""
    return lower_cached(SMALL)


@pytest.fixture
def small_int8(shared_cache: Path) -> StoredArtifact:
    """`SMALL_INT8`, from the filled cache."""
    return lower_cached(SMALL_INT8)


@pytest.fixture
def entry(small: StoredArtifact, own_cache: Path) -> Path:
    """The only entry of a cache of its own: a copy of `SMALL`'s."""
    folder = own_cache / "artifacts" / small.program.parent.name
    shutil.copytree(small.program.parent, folder)
    return folder
