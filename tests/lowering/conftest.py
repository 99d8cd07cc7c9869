"""One cache for the tests that only need some lowered variant, filled once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.lowering.cache import StoredArtifact, lower_cached
from harness.records import Variant

SMALL = Variant(width=0.25, resolution_px=32, precision="fp32")
SMALL_INT8 = Variant(width=0.25, resolution_px=32, precision="int8", classes=1001, padding="tf_same")


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def filled_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache that holds `SMALL` and `SMALL_INT8`."""
    folder = tmp_path_factory.mktemp("lowered")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "HARNESS_CACHE", str(folder))
        lower_cached(SMALL)
        lower_cached(SMALL_INT8)
    yield folder


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
