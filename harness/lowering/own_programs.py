"""The user's own program as an artifact: its bytes, what it is fed, and what this machine's runtime gives."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from harness.errors import LoweringError, MeasurementError
from harness.lowering.artifact_store import (
    LARGEST_RECORD_BYTES,
    PROGRAM,
    RECORD,
    REFERENCE_INPUT,
    REFERENCE_OUTPUT,
    StoredArtifact,
    artifact_store,
    hold_entry,
)
from harness.lowering.program_file import Method
from harness.records import Artifact, TensorSpec, Variant
from harness.records.decoding import Malformed, decode_json
from harness.records.progress import Log
from harness.system.files import copy_atomically, hash_file, open_regular
from harness.system.folders import install_folder, scratch_folder

# Increase it when a change in this file changes what is stored.
_RECIPE = "3"


@dataclass(frozen=True)
class HostOutputs:
    """All outputs of one inference on this machine, one tensor after the other, and their actual sizes."""

    content: bytes
    specs: tuple[TensorSpec, ...]


# Runs the method of a program file this many times in one fresh process, with the inputs of another file;
# gives the last outputs, or raises MeasurementError.
RunHere = Callable[[Path, Path, Method, int], HostOutputs]
# The difference of the two is 5: state that repeats after 2, 3 or 4 inferences is seen.
FEW_INFERENCES, MORE_INFERENCES = 1, 6
RANDOM = (
    "the outputs differ between two processes with the same inputs, as of a program that draws random numbers"
)
STATEFUL = (
    "the outputs change from one inference to the next with the same inputs, as of a program that keeps state"
    " in a mutable buffer"
)


@dataclass(frozen=True)
class OwnProgram:
    """One method of a program: `variant` has its file's digest, `runtime` names what `run_here` runs it with.

    `reference_input` has all inputs as the runner reads them.
    """

    path: Path
    size_bytes: int
    method: Method
    variant: Variant
    reference_input: bytes
    runtime: str
    run_here: RunHere

    def find(self) -> StoredArtifact | None:
        """The artifact if it is stored undamaged, with the outputs of this machine."""
        entry = artifact_store() / self._key()
        try:
            with open_regular(entry / RECORD) as file:
                artifact = decode_json(file.read(LARGEST_RECORD_BYTES), Artifact)
            nothing = _sha256(b"") if artifact.not_comparable else None
            files = {
                PROGRAM: self.variant.weights.sha256,
                REFERENCE_INPUT: _sha256(self.reference_input),
                REFERENCE_OUTPUT: artifact.reference_output_sha256 or nothing,
            }
            if any(hash_file(entry / name) != sha256 for name, sha256 in files.items()):
                return None
        except (OSError, Malformed):
            return None
        return StoredArtifact.of_entry(entry, artifact, was_cached=True)

    def store(self, log: Log) -> StoredArtifact:
        """The artifact, made now if it is not stored.

        Where this machine cannot run the program it is stored without outputs, and `log` gets the reason: no
        device's outputs can be compared.

        Raises:
            LoweringError: the file changed since it was read, or another process keeps the entry.
        """
        key = self._key()
        with hold_entry(key, self.variant):
            if found := self.find():
                return found
            with scratch_folder(artifact_store()) as scratch:
                made = scratch / key
                made.mkdir(mode=0o755)
                copy_atomically(self.path, made / PROGRAM)
                if hash_file(made / PROGRAM) != self.variant.weights.sha256:
                    raise LoweringError(
                        f"{self.path} changed while it was read", variant=self.variant.name, hint="run again"
                    )
                (made / REFERENCE_INPUT).write_bytes(self.reference_input)
                outputs, changing = self._run(made, log)
                (made / REFERENCE_OUTPUT).write_bytes(outputs.content if outputs else b"")
                artifact = self._record(outputs, changing)
                (made / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(artifact)))
                install_folder(made, artifact_store() / key)
            return StoredArtifact.of_entry(artifact_store() / key, artifact, was_cached=False)

    def _run(self, made: Path, log: Log) -> tuple[HostOutputs | None, str | None]:
        """What the method gives here, and why that is not to be compared."""
        try:
            first, again, later = (
                self.run_here(made / PROGRAM, made / REFERENCE_INPUT, self.method, inferences)
                for inferences in (FEW_INFERENCES, FEW_INFERENCES, MORE_INFERENCES)
            )
        except MeasurementError as error:
            log(f"{self.variant.name}: not run on this machine, so no output is compared: {error.what}")
            return None, None
        if (changing := RANDOM if again != first else STATEFUL if later != first else None) is None:
            return first, None
        log(f"{self.variant.name}: no output is compared: {changing}")
        return None, changing

    def _key(self) -> str:
        parts = (
            _RECIPE,
            self.runtime,
            self.variant.name,
            self.variant.weights.source,
            self.variant.weights.sha256 or "",
            self.method.name,
            _sha256(self.reference_input),
        )
        return _sha256("\0".join(parts).encode())

    def _record(self, outputs: HostOutputs | None, not_comparable: str | None) -> Artifact:
        method, specs = self.method, outputs.specs if outputs else self.method.outputs
        return Artifact(
            variant=self.variant,
            sha256=self.variant.weights.sha256 or "",
            size_bytes=self.size_bytes,
            macs=None,
            params=None,
            delegates=len(method.delegate_ids),
            delegated_nodes=None,
            undelegated_nodes=method.operators,
            planned_arena_bytes=method.planned_arena_bytes,
            input=method.inputs[0],
            output=specs[0],
            calibration=None,
            versions={},
            lowering_seconds=None,
            reference_input_sha256=_sha256(self.reference_input),
            reference_output_sha256=_sha256(outputs.content) if outputs else None,
            inputs=method.inputs,
            outputs=specs,
            delegate_ids=tuple(dict.fromkeys(method.delegate_ids)),
            outputs_are_apart=outputs is None or not (_is_plain(method) and _is_finite(outputs)),
            not_comparable=not_comparable,
        )


def _is_plain(method: Method) -> bool:
    """One float32 input and output, as an image classifier has: it runs as one, to the instruction."""
    return [spec.dtype for spec in (*method.inputs, *method.outputs)] == ["float32", "float32"]


def _is_finite(outputs: HostOutputs) -> bool:
    """JSON, and so a report, has no infinity and no NaN."""
    return bool(np.isfinite(np.frombuffer(outputs.content, "<f4")).all())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
