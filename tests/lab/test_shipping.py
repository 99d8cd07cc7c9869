"""Programs between hosts: checked, kept, and fetched once. Nothing of Ray runs here."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from builders import make_artifact
from harness.errors import LoweringError
from harness.lowering.artifact_store import StoredArtifact
from lab_hosts import require_ray

require_ray()
from harness.lab.shipping import Lowered, Parcel, Shipper, contents_of, keep, unpack  # noqa: E402

CONTENTS = {"model.pte": b"program", "input.bin": b"input", "output.bin": b"output"}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StoredArtifact:
    """A program that came from another host."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    artifact = make_artifact(sha256=hashlib.sha256(CONTENTS["model.pte"]).hexdigest())
    return keep(Lowered(artifact, CONTENTS))


def make_parcel(stored: StoredArtifact) -> Parcel:
    """Of what the cache has: its contents are nowhere, so that fetching them would fail."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENTS.items()}
    return Parcel(stored.artifact, digests, {}, unchecked=False)


def test_what_was_received_is_kept_whole(kept: StoredArtifact) -> None:
    assert contents_of(kept) == Lowered(kept.artifact, CONTENTS)
    assert kept.program.parent.name.startswith("received-")


def test_what_the_cache_has_is_not_fetched_again(kept: StoredArtifact) -> None:
    assert unpack(make_parcel(kept)) == kept
    assert unpack(replace(make_parcel(kept), unchecked=True)).unchecked


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(kept: StoredArtifact, name: str) -> None:
    (kept.program.parent / name).write_bytes(b"damaged")
    with pytest.raises(KeyError):  # there is nothing to fetch
        unpack(make_parcel(kept))


def test_a_program_that_was_damaged_between_hosts_is_refused(kept: StoredArtifact) -> None:
    with pytest.raises(LoweringError, match="damaged between two hosts"):
        keep(Lowered(kept.artifact, CONTENTS | {"model.pte": b"Program"}))


def test_a_program_larger_than_the_room_is_refused_where_it_is_needed(kept: StoredArtifact) -> None:
    parcel = Shipper(object_store_bytes=20).pack(kept)
    assert parcel.contents == {}
    with pytest.raises(LoweringError, match="more than the 0 MB") as caught:
        unpack(parcel)
    assert "--object-store" in caught.value.hint
    assert caught.value.variant == kept.artifact.variant.name
