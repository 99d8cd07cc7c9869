"""Lowered programs on their way between hosts, through Ray's object store; each file by its SHA-256."""

import hashlib
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import LoweringError
from harness.lab.ray_library import ray
from harness.lab.sent_errors import SentError, receive, send
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
from harness.records import Artifact, Variant
from harness.records.decoding import Malformed, decode_json
from harness.system.files import hash_file, read_regular_file
from harness.system.folders import install_folder, scratch_folder

FILES = (PROGRAM, REFERENCE_INPUT, REFERENCE_OUTPUT)
# A process that runs Ray's object store itself needs some of it.
USABLE_SHARE = 0.8


@dataclass(frozen=True)
class Parcel:
    """An artifact and its files' digests; `contents` are references into the object store, by digest.

    `refusal` says why there are no contents.
    """

    artifact: Artifact
    digests: dict[str, str]
    contents: dict[str, Any]
    unchecked: bool
    refusal: SentError | None = None


@dataclass(frozen=True)
class Lowered:
    """What a host that lowers sends back: an artifact with the bytes of its files, or the error."""

    artifact: Artifact | None
    contents: dict[str, bytes]
    error: SentError | None = None


class Shipper:
    """Puts each file into the object store once, whatever number of devices needs it."""

    def __init__(self, object_store_bytes: int) -> None:
        self._room_bytes = int(object_store_bytes * USABLE_SHARE)
        self._put: dict[str, Any] = {}
        self._parcels: dict[tuple[Variant, Path], Parcel] = {}
        self._shared: dict[tuple[Variant, Path], Any] = {}
        self._lock = threading.Lock()

    def pack(self, stored: StoredArtifact) -> Parcel:
        """Make an artifact ready for other hosts, and read it once; what is too large is refused there."""
        with self._lock:
            key = stored.artifact.variant, stored.program
            if key not in self._parcels:
                self._parcels[key] = self._pack(stored)
            return self._parcels[key]

    def share(self, stored: StoredArtifact) -> Any:
        """A reference to the parcel: of a thousand devices, each gets this and no copy.

        Raises as `pack` does.
        """
        parcel = self.pack(stored)
        key = stored.artifact.variant, stored.program
        with self._lock:
            if key not in self._shared:
                self._shared[key] = ray.put(parcel)
            return self._shared[key]

    def _pack(self, stored: StoredArtifact) -> Parcel:
        size_bytes = sum(path.stat().st_size for path in _paths(stored).values())
        if size_bytes > self._room_bytes:
            return Parcel(stored.artifact, {}, {}, stored.unchecked, self._refuse(stored, size_bytes))
        digests, contents = {}, {}
        for name, path in _paths(stored).items():
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()
            if digest not in self._put:
                self._put[digest] = ray.put(content)
            digests[name], contents[digest] = digest, self._put[digest]
        return Parcel(stored.artifact, digests, contents, stored.unchecked)

    def _refuse(self, stored: StoredArtifact, size_bytes: int) -> SentError:
        return send(
            LoweringError(
                f"the program and its data have {size_bytes / 1e6:.0f} MB, more than the"
                f" {self._room_bytes / 1e6:.0f} MB that the smallest object store of the lab has room for",
                hint="give the lab's hosts a larger --object-store",
                variant=stored.artifact.variant.name,
            )
        )


def unpack(parcel: Parcel) -> StoredArtifact:
    """The artifact in this host's cache; only what the cache lacks is fetched.

    Raises:
        LoweringError: it was refused, or damaged on its way.
    """
    if parcel.refusal:
        raise receive(parcel.refusal)
    known = _find(parcel) or _fetch(parcel)
    return replace(known, unchecked=parcel.unchecked)


def _fetch(parcel: Parcel) -> StoredArtifact:
    """Of several devices of a host, which need the same program at once, one fetches it."""
    artifact = parcel.artifact
    with hold_entry(_place(artifact, parcel.digests).name, artifact.variant):
        if known := _find(parcel):
            return known
        contents = {name: ray.get(parcel.contents[digest]) for name, digest in parcel.digests.items()}
        return _keep(artifact, contents)


def keep(lowered: Lowered) -> StoredArtifact:
    """Put what another host lowered into this host's cache; it counts as lowered now."""
    if lowered.artifact is None:
        raise LoweringError("a host of the lab sent no program")
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in lowered.contents.items()}
    with hold_entry(_place(lowered.artifact, digests).name, lowered.artifact.variant):
        return _keep(lowered.artifact, lowered.contents)


def contents_of(stored: StoredArtifact) -> Lowered:
    """An artifact of this host, to be sent to another."""
    return Lowered(stored.artifact, {name: path.read_bytes() for name, path in _paths(stored).items()})


def _paths(stored: StoredArtifact) -> dict[str, Path]:
    return dict(zip(FILES, (stored.program, stored.reference_input, stored.reference_output), strict=True))


def _place(artifact: Artifact, digests: dict[str, str]) -> Path:
    """Beside the entries that were lowered here, so that commands find it as they do those."""
    name = msgspec.json.encode((msgspec.to_builtins(artifact), sorted(digests.items())))
    return artifact_store() / f"received-{hashlib.sha256(name).hexdigest()}"


def _find(parcel: Parcel) -> StoredArtifact | None:
    place = _place(parcel.artifact, parcel.digests)
    try:
        recorded = decode_json(read_regular_file(place / RECORD, LARGEST_RECORD_BYTES), Artifact)
        intact = all(hash_file(place / name) == digest for name, digest in parcel.digests.items())
    except (OSError, Malformed):
        return None
    if recorded != parcel.artifact or not intact:
        return None
    return StoredArtifact.of_entry(place, parcel.artifact, was_cached=False)


def _keep(artifact: Artifact, contents: dict[str, bytes]) -> StoredArtifact:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    if digests[PROGRAM] != artifact.sha256:
        raise LoweringError(
            "a program was damaged between two hosts of the lab", variant=artifact.variant.name
        )
    place = _place(artifact, digests)
    place.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(place.parent) as scratch:
        made = scratch / place.name
        made.mkdir(mode=0o755)
        for name, content in contents.items():
            (made / name).write_bytes(content)
        (made / RECORD).write_bytes(msgspec.json.format(msgspec.json.encode(artifact)))
        install_folder(made, place)
    return StoredArtifact.of_entry(place, artifact, was_cached=False)
