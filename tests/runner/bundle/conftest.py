"""Real bundles, and a cache of the test's own that holds copies of them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.records import Abi
from harness.runner.bundle import ABIS, Bundle, ensure_bundle


@pytest.fixture(scope="session")
def built_bundles() -> dict[Abi, Bundle]:
    return {abi: ensure_bundle(abi) for abi in ABIS}


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built_bundles: dict[Abi, Bundle]) -> Path:
    """An empty cache; `built_bundles` come from the usual one."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HARNESS_CACHE", str(folder))
    return folder


@pytest.fixture
def copy_bundle(own_cache: Path, built_bundles: dict[Abi, Bundle]) -> Callable[[Abi], Path]:
    """Put a copy of a real bundle where the own cache keeps it."""

    def copy(abi: Abi) -> Path:
        source = built_bundles[abi].folder
        return Path(shutil.copytree(source, own_cache / "bundles" / source.name))

    return copy
