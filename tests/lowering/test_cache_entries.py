"""An entry of the artifact cache is checked against what was asked for, and only regular files are read."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_variants import SMALL, SMALL_INT8

from harness.errors import UsageError
from harness.lowering.artifact import find_cached
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.pool import lower_all


def _fifo_as_program(entry: Path) -> None:
    (entry / "model.pte").unlink()
    os.mkfifo(entry / "model.pte")


def _sparse_terabyte(entry: Path) -> None:
    os.truncate(entry / "input.bin", 2**40)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [_fifo_as_program, _sparse_terabyte])
def test_an_entry_whose_files_block_or_are_endless_is_not_found_at_once(
    entry: Path, damage: Callable[[Path], None]
) -> None:
    damage(entry)
    started = time.monotonic()
    assert find_cached(SMALL) is None
    assert time.monotonic() - started < 5


@pytest.mark.slow
def test_a_record_that_links_to_an_endless_file_is_refused_at_once(entry: Path) -> None:
    (entry / "artifact.json").unlink()
    (entry / "artifact.json").symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="may be written by every user"):
        find_cached(SMALL)


def _set(entry: Path, value: object, *path: str) -> None:
    record = json.loads((entry / "artifact.json").read_text())
    *parents, last = path
    inner = record
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    (entry / "artifact.json").write_text(json.dumps(record))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("variant", "width"), 0.5, "width: 0.5, not 0.25"),
        (("variant", "resolution_px"), 64, "resolution_px: 64, not 32"),
        (("variant", "precision"), "int8", "precision: int8, not fp32"),
        (("variant", "padding"), "tf_same", "padding: tf_same, not symmetric"),
        (("variant", "classes"), 1001, "classes: 1001, not 1000"),
        (("variant", "weights", "seed"), 7, "weights: "),
        (("variant", "weights", "source"), "\x1b[2Jother.pt", "weights: "),
        (("input", "sizes"), [1, 3, 64, 64], "input sizes: "),
        (("output", "sizes"), [1, 2], "output sizes: "),
        (("calibration",), {"source": "random", "images": 8}, "calibrated: True, not False"),
        (("versions", "torch"), "1.0", "versions: "),
        (("key",), "0" * 64, "key: 000000000000, not "),
        (("key",), "", "key: none, not "),
    ],
)
def test_an_entry_of_another_request_is_refused_and_logged_with_what_differs(
    entry: Path, path: tuple[str, ...], value: object, named: str
) -> None:
    _set(entry, value, *path)
    lines: list[str] = []
    assert find_cached(SMALL, log=lines.append) is None
    (line,) = lines
    assert line.startswith("the cache entry of mobilenet_v1_0.25_32_fp32 is not what was asked for (")
    assert named in line
    assert line.endswith("; lowering again")
    assert line.isprintable()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("calibration", "observer"), "minmax", "observer: minmax, not histogram"),
        (("calibration", "sha256"), "0" * 64, "calibration images: "),
        (("calibration",), None, "calibrated: False, not True"),
    ],
)
def test_an_int8_entry_of_another_calibration_is_refused(
    small_int8: StoredArtifact, own_cache: Path, path: tuple[str, ...], value: object, named: str
) -> None:
    entry = own_cache / "artifacts" / small_int8.program.parent.name
    shutil.copytree(small_int8.program.parent, entry)
    assert find_cached(SMALL_INT8) is not None
    _set(entry, value, *path)
    lines: list[str] = []
    assert find_cached(SMALL_INT8, log=lines.append) is None
    assert named in lines[0]


@pytest.mark.slow
@pytest.mark.parametrize("linked", [False, True])
def test_an_int8_entry_under_an_fp32_key_is_lowered_again(
    small: StoredArtifact, small_int8: StoredArtifact, own_cache: Path, linked: bool
) -> None:
    entry = own_cache / "artifacts" / small.program.parent.name
    other = shutil.copytree(small_int8.program.parent, own_cache / "other")
    if linked:
        entry.parent.mkdir()
        entry.symlink_to(other)
    else:
        shutil.copytree(other, entry)
    lines: list[str] = []
    (result,) = lower_all((SMALL,), workers=1, log=lines.append)
    assert isinstance(result[1], StoredArtifact)
    assert result[1].artifact.sha256 == small.artifact.sha256
    assert result[1].artifact.variant == small.artifact.variant
    assert len(lines) == 1
    assert "precision: int8, not fp32" in lines[0]
    assert (other / "model.pte").read_bytes() == small_int8.program.read_bytes()
