"""The content-addressed store of lowered programs: a hit imports no torch and takes milliseconds."""

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness.analysis.precisions import find_precision
from harness.analysis.runtimes import find_runtime
from harness.errors import UsageError
from harness.lowering.artifact_store import (
    LARGEST_RECORD_BYTES,
    PROGRAM,
    RECORD,
    REFERENCE_INPUT,
    REFERENCE_OUTPUT,
    StoredArtifact,
    artifact_store,
)
from harness.lowering.inputs import SEEDED, LoweringInputs
from harness.lowering.recipes import RANDOM_CALIBRATION
from harness.records import EXECUTORCH, Artifact, Calibration, Observer, RuntimeName, Variant
from harness.records.decoding import Malformed, decode_json
from harness.records.progress import Log
from harness.system.extras import installed_version
from harness.system.files import hash_file, open_regular
from harness.system.folders import install_folder, scratch_folder
from harness.system.paths import source_file
from harness.system.text import printable

if TYPE_CHECKING:
    from harness.lowering.program import LoweredProgram

# Files of this project that decide a program's bytes; a test derives this list from the imports.
SOURCES = (
    "models/layers.py",
    "models/mobilenet_v1.py",
    "harness/lowering/fp16.py",
    "harness/lowering/int8_reference.py",
    "harness/lowering/observers.py",
    "harness/lowering/program.py",
    "harness/lowering/recipes.py",
    "harness/lowering/synthetic_images.py",
    "harness/lowering/unread_work.py",
)
# Further files, for the programs of runtimes beside ExecuTorch.
SOURCES_OF_OTHERS = (
    "harness/lowering/onnx_reference.py",
    "harness/lowering/other_quantizers.py",
    "harness/lowering/other_runtimes.py",
    "harness/lowering/quantized_references.py",
)


class _Keyed(msgspec.Struct, frozen=True):
    """What an entry's `artifact.json` has beside the artifact: the key that it was stored under."""

    key: str = ""


def artifact_key(variant: Variant, files: LoweringInputs = SEEDED) -> str:
    """SHA-256 over everything that changes the program's bytes: inputs, library versions, our own sources.

    Raises:
        UsageError: a file cannot be read, the variant names weights without a file or the other way round,
            or its precision is unknown.
    """
    if (variant.weights.source == "random") != (files.weights_file is None):
        raise UsageError(
            f"the variant has weights {variant.weights.source!r}, but the weights file is"
            f" {files.weights_file or 'not given'}",
            variant=variant.name,
        )
    recipe = find_precision(variant.precision).recipe
    # The hash of the weights file, or the seed, is in the key: a variant read back from an artifact, whose
    # record has a hash, must get the same key.
    weights = msgspec.structs.replace(variant.weights, sha256=None)
    parts = {
        "variant": msgspec.structs.replace(variant, weights=weights),
        "weights": _hash_input(files.weights_file),
        "recipe": recipe,
        "calibration": _calibration(variant, files) if recipe.calibrated else None,
        "versions": library_versions(variant.runtime),
        "sources": {source: hash_file(source_file(source)) for source in _sources(variant.runtime)},
    }
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()


def _sources(runtime: RuntimeName) -> tuple[str, ...]:
    return SOURCES if runtime == EXECUTORCH else (*SOURCES, *SOURCES_OF_OTHERS)


@cache
def library_versions(runtime: RuntimeName = EXECUTORCH) -> dict[str, str]:
    """Versions of what decides a program's bytes, without importing it, and of what runs it on devices."""
    known = find_runtime(runtime)
    found = {name: installed_version(name) for name in known.converters}
    found[runtime] = known.library_version or found.get(runtime)
    return {name: version for name, version in found.items() if version}


def _calibration(variant: Variant, files: LoweringInputs) -> tuple[str | Calibration, Observer | None, str]:
    images = _hash_input(files.calibration_images) or RANDOM_CALIBRATION
    return images, _observer(variant, files), _quantizer(variant.runtime)


def _quantizer(runtime: RuntimeName) -> str:
    """The package that makes int8 of a network, and the installed version of it."""
    name = find_runtime(runtime).quantizer
    return f"{name} {installed_version(name) or 'of an unknown version'}"


def _observer(variant: Variant, files: LoweringInputs) -> Observer | None:
    """The rule that ranges are chosen by; quantizers of runtimes beside ExecuTorch have their own."""
    return files.observer if variant.runtime == EXECUTORCH else None


def _hash_input(path: Path | None) -> str | None:
    try:
        return hash_file(path) if path else None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def read_entry(key: str, variant: Variant, files: LoweringInputs, log: Log) -> StoredArtifact | None:
    """The entry if it is of this request, its record decodes and its three files are those of the record.

    One of another request, put there by hand or by another version, is logged and counts as missing.
    """
    entry = artifact_store() / key
    try:
        with open_regular(entry / RECORD) as file:
            content = file.read(LARGEST_RECORD_BYTES)
        artifact = decode_json(content, Artifact)
        stored_as = decode_json(content, _Keyed).key
        if wrong := find_mismatch(artifact, variant, files) or _key_mismatch(stored_as, key):
            log(
                f"the cache entry of {variant.name} is not what was asked for ({printable(wrong)});"
                " lowering again"
            )
            return None
        if not all(_is_intact(entry / name, *expected) for name, expected in _files(artifact).items()):
            return None
    except (OSError, Malformed):
        return None
    return StoredArtifact.of_entry(entry, artifact, was_cached=True)


def find_mismatch(artifact: Artifact, variant: Variant, files: LoweringInputs = SEEDED) -> str | None:
    """The first fact in which an artifact is not what was asked for, with both values; None if it is."""
    found, recipe = artifact.variant, find_precision(variant.precision).recipe
    sha256 = variant.weights.sha256 or _hash_input(files.weights_file) or found.weights.sha256
    asked = msgspec.structs.replace(variant, weights=msgspec.structs.replace(variant.weights, sha256=sha256))
    facts: dict[str, tuple[object, object]] = {
        field: (getattr(found, field), getattr(asked, field)) for field in Variant.__struct_fields__
    }
    facts["input sizes"] = artifact.input.sizes, (1, 3, variant.resolution_px, variant.resolution_px)
    facts["output sizes"] = artifact.output.sizes, (1, variant.classes)
    facts["calibrated"] = artifact.calibration is not None, recipe.calibrated
    if artifact.calibration and recipe.calibrated:
        images = _hash_input(files.calibration_images)
        facts["calibration images"] = artifact.calibration.sha256, images
        facts["observer"] = artifact.calibration.observer, _observer(variant, files)
    facts["versions"] = artifact.versions, library_versions(variant.runtime)
    return next((f"{name}: {one}, not {other}" for name, (one, other) in facts.items() if one != other), None)


def _key_mismatch(found: str, asked: str) -> str | None:
    """The key covers what no record has: the recipe, and this project's sources."""
    return None if found == asked else f"key: {found[:12] or 'none'}, not {asked[:12]}"


def _files(artifact: Artifact) -> dict[str, tuple[int, str]]:
    """Size in bytes and SHA-256 of each of an entry's files."""
    return {
        PROGRAM: (artifact.size_bytes, artifact.sha256),
        REFERENCE_INPUT: (artifact.input.size_bytes, artifact.reference_input_sha256),
        REFERENCE_OUTPUT: (artifact.output.size_bytes, artifact.reference_output_sha256 or ""),
    }


def _is_intact(file: Path, size_bytes: int, sha256: str) -> bool:
    # The size first: a sparse file of a terabyte is not hashed.
    return file.stat().st_size == size_bytes and hash_file(file) == sha256


def write_entry(key: str, variant: Variant, lowered: "LoweredProgram") -> StoredArtifact:
    """Store a program under its key, which the caller holds; the entry appears whole or not at all."""
    artifact = _record(variant, lowered)
    entry = artifact_store() / key
    with scratch_folder(entry.parent) as scratch:
        made = scratch / key
        made.mkdir(mode=0o755)
        (made / PROGRAM).write_bytes(lowered.program)
        (made / REFERENCE_INPUT).write_bytes(lowered.reference_input)
        (made / REFERENCE_OUTPUT).write_bytes(lowered.reference_output)
        record = {"key": key, **msgspec.to_builtins(artifact)}
        (made / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(record)))
        # In place of a damaged one, or of another request's: a right one would have been read.
        install_folder(made, entry)
    return StoredArtifact.of_entry(entry, artifact, was_cached=False)


def _record(variant: Variant, lowered: "LoweredProgram") -> Artifact:
    # For a checkpoint, the hash of the user's file is recorded, not that of the file it was converted to.
    sha256 = variant.weights.sha256 or lowered.weights_sha256
    weights = msgspec.structs.replace(variant.weights, sha256=sha256)
    calibration = lowered.calibration
    if calibration is not None:
        calibration = msgspec.structs.replace(calibration, quantizer=_quantizer(variant.runtime))
    return Artifact(
        variant=msgspec.structs.replace(variant, weights=weights),
        sha256=hashlib.sha256(lowered.program).hexdigest(),
        size_bytes=len(lowered.program),
        macs=lowered.macs,
        params=lowered.params,
        delegates=lowered.delegates,
        delegated_nodes=lowered.delegated_nodes,
        undelegated_nodes=lowered.undelegated_nodes,
        planned_arena_bytes=lowered.planned_arena_bytes,
        input=lowered.input,
        output=lowered.output,
        calibration=calibration,
        versions=library_versions(variant.runtime),
        lowering_seconds=lowered.seconds,
        reference_input_sha256=hashlib.sha256(lowered.reference_input).hexdigest(),
        reference_output_sha256=hashlib.sha256(lowered.reference_output).hexdigest(),
    )
