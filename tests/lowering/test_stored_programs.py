"""Where the program of a measured cell is found: in its run folder, else in the cache, by its very bytes."""

import hashlib
import os
from pathlib import Path

import msgspec
import pytest

from builders import make_artifact
from harness.lowering.stored_programs import find_program
from harness.records import Artifact

PROGRAM = b"a program"
ARTIFACT = make_artifact(sha256=hashlib.sha256(PROGRAM).hexdigest(), size_bytes=len(PROGRAM))
NAME = f"{ARTIFACT.variant.name}.pte"


def store(cache: Path, key: str, artifact: Artifact, program: bytes = PROGRAM) -> Path:
    entry = cache / "artifacts" / key
    entry.mkdir(parents=True)
    (entry / "artifact.json").write_bytes(msgspec.json.encode(artifact))
    (entry / "model.pte").write_bytes(program)
    return entry / "model.pte"


def put_into_run(folder: Path, program: bytes) -> Path:
    (folder / "artifacts").mkdir(parents=True)
    (folder / "artifacts" / NAME).write_bytes(program)
    return folder / "artifacts" / NAME


def test_the_program_is_found_in_the_cache_by_its_digest(own_cache: Path, tmp_path: Path) -> None:
    store(own_cache, "1", make_artifact(), b"another")
    program = store(own_cache, "2", ARTIFACT)
    assert find_program(ARTIFACT, tmp_path) == program


def test_the_run_folder_comes_first(own_cache: Path, tmp_path: Path) -> None:
    store(own_cache, "1", ARTIFACT)
    own = put_into_run(tmp_path, PROGRAM)
    assert find_program(ARTIFACT, tmp_path) == own


def test_other_bytes_under_its_name_are_not_the_program(own_cache: Path, tmp_path: Path) -> None:
    put_into_run(tmp_path, b"A program")
    store(own_cache, "1", ARTIFACT, b"a longer program")
    assert find_program(ARTIFACT, tmp_path) is None


def test_a_damaged_entry_hides_no_good_one(own_cache: Path, tmp_path: Path) -> None:
    (own_cache / "artifacts" / "0").mkdir(parents=True)
    (own_cache / "artifacts" / "0" / "artifact.json").write_text('{"sha256": 3}')
    (own_cache / "artifacts" / "1").mkdir()
    os.mkfifo(own_cache / "artifacts" / "1" / "artifact.json")
    assert find_program(ARTIFACT, tmp_path) is None
    program = store(own_cache, "2", ARTIFACT)
    assert find_program(ARTIFACT, tmp_path) == program


def test_a_cache_that_others_may_write_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    store(shared, "1", ARTIFACT)
    shared.chmod(0o777)
    monkeypatch.setenv("HARNESS_CACHE", str(shared))
    assert find_program(ARTIFACT, tmp_path) is None
