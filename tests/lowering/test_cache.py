"""The artifact cache: warm without torch, keyed by what changes bytes, blind to damaged entries."""

import ast
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from small_variants import SMALL, SMALL_INT8

from harness.errors import LoweringError, UsageError
from harness.lowering import artifact_store, cache
from harness.lowering.artifact import find_cached, lower_cached
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.cache import artifact_key
from harness.lowering.inputs import LoweringInputs
from harness.records import Variant, Weights
from harness.system.paths import PROJECT

LOWER_SMALL = """
import sys
from harness.lowering.artifact import lower_cached
from harness.records import Variant
stored = lower_cached(Variant(width=0.25, resolution_px=32, precision="fp32"))
print(stored.was_cached, "torch" in sys.modules)
"""


def _python(source: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_key_knows_all_that_changes_the_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def other(**changes: object) -> str:
        return artifact_key(msgspec.structs.replace(SMALL_INT8, **changes))

    weights, images = tmp_path / "w.pt", tmp_path / "i.npy"
    weights.write_bytes(b"1")
    images.write_bytes(b"1")
    loaded = msgspec.structs.replace(SMALL_INT8, weights=Weights(source="w.pt"))
    keys = [
        artifact_key(SMALL_INT8),
        other(width=0.5),
        other(resolution_px=64),
        other(precision="fp32"),
        other(padding="symmetric"),
        other(classes=1000),
        other(weights=Weights(source="random", seed=1)),
        artifact_key(SMALL_INT8, LoweringInputs(calibration_images=images)),
        artifact_key(loaded, LoweringInputs(weights_file=weights)),
        artifact_key(SMALL_INT8, LoweringInputs(observer="minmax")),
    ]
    images.write_bytes(b"2")
    weights.write_bytes(b"2")
    keys.append(artifact_key(SMALL_INT8, LoweringInputs(calibration_images=images)))
    keys.append(artifact_key(loaded, LoweringInputs(weights_file=weights)))
    monkeypatch.setattr(cache, "library_versions", lambda _: {"torch": "0"})
    keys.append(artifact_key(SMALL_INT8))
    monkeypatch.setattr(cache, "SOURCES", cache.SOURCES[1:])
    keys.append(artifact_key(SMALL_INT8))
    assert len(set(keys)) == len(keys)


def test_the_key_ignores_what_does_not_change_the_bytes(tmp_path: Path) -> None:
    images = tmp_path / "i.npy"
    images.write_bytes(b"1")
    assert artifact_key(SMALL, LoweringInputs(calibration_images=images)) == artifact_key(SMALL)
    assert artifact_key(SMALL, LoweringInputs(observer="minmax")) == artifact_key(SMALL)
    recorded = msgspec.structs.replace(SMALL.weights, sha256="0" * 64)
    assert artifact_key(msgspec.structs.replace(SMALL, weights=recorded)) == artifact_key(SMALL)


# Imported by what makes a program, but shaping no byte of it: what they give is in the key itself (recipe,
# inputs, records), or they only place files, raise or silence.
SHAPES_NOTHING = (
    "harness.analysis.precisions",
    "harness.analysis.runtimes",
    "harness.errors",
    "harness.lowering.inputs",
    "harness.lowering.silence",
    "harness.records",
    "harness.system.extras",
    "harness.system.files",
)


def _imported_modules(source: str) -> set[str]:
    """Our modules that a file imports, anywhere in it."""
    tree = ast.parse((PROJECT / source).read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {module for module in modules if module.startswith(("harness.", "models."))}


@pytest.mark.parametrize(
    ("source", "runtime"),
    [("harness/lowering/program.py", "executorch"), ("harness/lowering/other_runtimes.py", "litert")],
)
def test_every_file_that_shapes_a_program_is_in_the_key(source: str, runtime: str) -> None:
    shaping, waiting = set(), [source]
    while waiting:
        source = waiting.pop()
        shaping.add(source)
        imported = _imported_modules(source) - set(SHAPES_NOTHING)
        waiting += {f"{module.replace('.', '/')}.py" for module in imported} - shaping
    others = () if runtime == "executorch" else cache.SOURCES_OF_OTHERS
    assert sorted((*cache.SOURCES, *others)) == sorted(shaping)


@pytest.mark.parametrize(
    ("weights", "given"), [(Weights(source="mine.pt"), False), (Weights(source="random", seed=0), True)]
)
def test_weights_that_are_named_but_not_given_are_wrong_usage(
    tmp_path: Path, weights: Weights, given: bool
) -> None:
    variant = msgspec.structs.replace(SMALL, weights=weights)
    with pytest.raises(UsageError, match=r"the variant has weights '.*', but the weights file is"):
        lower_cached(variant, LoweringInputs(weights_file=tmp_path / "w.pt" if given else None))


def test_a_missing_weights_file_is_wrong_usage(tmp_path: Path) -> None:
    variant = msgspec.structs.replace(SMALL, weights=Weights(source="gone.pt"))
    with pytest.raises(UsageError, match=r"cannot read .*gone.pt: No such file"):
        find_cached(variant, LoweringInputs(weights_file=tmp_path / "gone.pt"))


def test_an_empty_cache_has_nothing(own_cache: Path) -> None:
    assert find_cached(SMALL) is None
    assert not own_cache.exists()


@pytest.mark.slow
def test_a_warm_hit_does_not_import_torch(small: StoredArtifact) -> None:
    process = _python(LOWER_SMALL)
    output, errors = process.communicate(timeout=60)
    assert (output.split(), errors) == (["True", "False"], "")


def _cut_program(entry: Path) -> None:
    with (entry / "model.pte").open("r+b") as file:
        file.truncate(1000)


def _flip_a_bit(entry: Path) -> None:
    program = bytearray((entry / "model.pte").read_bytes())
    program[5000] ^= 1
    (entry / "model.pte").write_bytes(program)


def _drop_the_reference(entry: Path) -> None:
    (entry / "output.bin").unlink()


def _change_the_input(entry: Path) -> None:
    (entry / "input.bin").write_bytes(b"")


def _garble_the_record(entry: Path) -> None:
    (entry / "artifact.json").write_bytes(b"\xff{")


def _lose_a_field(entry: Path) -> None:
    record = json.loads((entry / "artifact.json").read_text())
    del record["macs"]
    (entry / "artifact.json").write_text(json.dumps(record))


@pytest.mark.slow
@pytest.mark.parametrize(
    "damage",
    [_cut_program, _flip_a_bit, _drop_the_reference, _change_the_input, _garble_the_record, _lose_a_field],
)
def test_a_damaged_entry_is_not_found(entry: Path, damage: Callable[[Path], None]) -> None:
    assert find_cached(SMALL) is not None
    damage(entry)
    assert find_cached(SMALL) is None


@pytest.mark.slow
def test_a_damaged_entry_is_rebuilt_and_left_overs_are_cleared(small: StoredArtifact, entry: Path) -> None:
    _flip_a_bit(entry)
    killed = subprocess.Popen([sys.executable, "-c", ""])
    killed.wait()
    left_over = entry.with_name(f".{'0' * 16}.{killed.pid}.partial")
    left_over.mkdir()
    rebuilt = lower_cached(SMALL)
    assert not rebuilt.was_cached
    assert rebuilt.artifact.sha256 == small.artifact.sha256
    assert not left_over.exists()
    assert lower_cached(SMALL).was_cached


@pytest.mark.slow
def test_of_two_processes_one_lowers(own_cache: Path) -> None:
    first, second = _python(LOWER_SMALL), _python(LOWER_SMALL)
    outputs = [process.communicate(timeout=300)[0].split()[0] for process in (first, second)]
    assert sorted(outputs) == ["False", "True"]
    entries = [path for path in (own_cache / "artifacts").iterdir() if path.is_dir()]
    assert len(entries) == 1


def test_a_lock_that_is_never_released_is_an_error(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filelock import FileLock

    monkeypatch.setattr(artifact_store, "LOCK_TIMEOUT_S", 0.1)
    (own_cache / "artifacts").mkdir(parents=True)
    started = time.monotonic()
    with (
        FileLock(own_cache / "artifacts" / f"{artifact_key(SMALL)}.lock"),
        pytest.raises(LoweringError, match="another process has been lowering"),
    ):
        lower_cached(Variant(width=0.25, resolution_px=32, precision="fp32"))
    assert time.monotonic() - started < 30
