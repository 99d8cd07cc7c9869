"""Where the program of a measured cell is found: in its run folder, else in the cache, by its very bytes."""

import errno
import hashlib
import os
from pathlib import Path

import msgspec
import pytest

from builders import make_artifact
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.stored_programs import find_program, keep_programs
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


def stored(entry: Path, program: bytes = PROGRAM) -> StoredArtifact:
    entry.mkdir()
    (entry / "model.pte").write_bytes(program)
    artifact = make_artifact(sha256=hashlib.sha256(program).hexdigest(), size_bytes=len(program))
    return StoredArtifact(
        artifact, entry / "model.pte", entry / "input.bin", entry / "output.bin", was_cached=True
    )


def test_a_run_keeps_its_programs_without_a_second_copy(own_cache: Path, tmp_path: Path) -> None:
    kept = stored(tmp_path / "entry")
    for _ in range(2):
        assert keep_programs([kept], tmp_path) == []
    own = find_program(kept.artifact, tmp_path)
    assert own == tmp_path / "artifacts" / NAME
    assert own.samefile(kept.program)


def test_a_program_of_other_weights_is_kept_beside_it(own_cache: Path, tmp_path: Path) -> None:
    programs = [stored(tmp_path / "1"), stored(tmp_path / "2", b"other weights")]
    assert keep_programs(programs, tmp_path) == []
    found = [find_program(one.artifact, tmp_path) for one in programs]
    assert [path.read_bytes() for path in found if path] == [PROGRAM, b"other weights"]


def test_a_file_system_without_links_gets_a_copy(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", no_link)
    assert keep_programs([stored(tmp_path / "entry")], tmp_path) == []
    assert (tmp_path / "artifacts" / NAME).read_bytes() == PROGRAM


def test_what_is_no_program_under_its_names_is_replaced_and_never_followed(
    own_cache: Path, tmp_path: Path
) -> None:
    kept = stored(tmp_path / "entry")
    key = tmp_path / "key"
    key.write_text("secret")
    names = (NAME, NAME.replace(".pte", f"-{kept.artifact.sha256[:10]}.pte"))
    (tmp_path / "artifacts").mkdir()
    for name in names:
        (tmp_path / "artifacts" / name).symlink_to(key)
    assert keep_programs([kept], tmp_path) == []
    assert key.read_text() == "secret"
    assert find_program(kept.artifact, tmp_path) == tmp_path / "artifacts" / names[1]


def test_a_folder_that_leads_elsewhere_or_cannot_be_made_is_an_error_of_that_program(
    own_cache: Path, tmp_path: Path
) -> None:
    kept = stored(tmp_path / "entry")
    (tmp_path / "artifacts").symlink_to(tmp_path / "entry")
    (linked,) = keep_programs([kept], tmp_path)
    assert "is a symbolic link" in str(linked)
    (tmp_path / "artifacts").unlink()
    (tmp_path / "artifacts").write_text("")
    (file,) = keep_programs([kept], tmp_path)
    assert "cannot keep the program" in str(file)
    assert file.variant == kept.artifact.variant.name
