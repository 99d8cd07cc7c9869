"""Run folders at URLs, in fsspec's memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remote_folders import upload, write_lab


@pytest.fixture
def memory() -> Iterator[Any]:
    files = pytest.importorskip("fsspec").filesystem("memory")
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.fixture
def labs(memory: Any, tmp_path: Path) -> Any:
    """Two labs with a run of one device each, and beside them what is no run."""
    for lab in ("berlin", "oslo"):
        upload(memory, write_lab(tmp_path / "uploaded", lab), f"/labs/{lab}")
    memory.pipe("/labs/report-berlin+oslo/index.html", b"<html>")
    memory.pipe("/labs/readme.txt", b"")
    return memory
