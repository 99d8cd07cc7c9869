"""One variant's artifact: from the cache, or lowered now."""

from harness.errors import LoweringError
from harness.lowering.artifact_store import StoredArtifact, hold_entry
from harness.lowering.cache import artifact_key, read_entry, write_entry
from harness.lowering.inputs import SEEDED, LoweringInputs
from harness.lowering.silence import quietly
from harness.records import EXECUTORCH, Variant
from harness.records.progress import Log


def _ignore(text: str) -> None:
    """Where the requesting process logs the same line."""


def find_cached(
    variant: Variant, files: LoweringInputs = SEEDED, log: Log = _ignore, *, allow_undelegated: bool = False
) -> StoredArtifact | None:
    """The stored artifact if the cache holds it undamaged, else None; never imports torch.

    `log` gets a line where the cache holds something else in its place.

    Raises:
        LoweringError: its program is not one delegate, and `allow_undelegated` is not given.
    """
    if files.own:
        return files.own.find()
    stored = read_entry(artifact_key(variant, files), variant, files, log)
    return stored and _check_delegated(stored, allow_undelegated)


def lower_cached(
    variant: Variant, files: LoweringInputs = SEEDED, *, allow_undelegated: bool = False
) -> StoredArtifact:
    """The artifact from the cache, or lowered now; of several processes that ask for it, one lowers.

    Raises:
        LoweringError: the variant cannot be lowered, or not to one delegate and `allow_undelegated` is not
            given.
    """
    key = artifact_key(variant, files)
    stored = read_entry(key, variant, files, _ignore)
    if stored is None:
        with hold_entry(key, variant):
            # Another process may have stored it while this one waited.
            stored = read_entry(key, variant, files, _ignore) or _lower(variant, key, files)
    return _check_delegated(stored, allow_undelegated)


def _lower(variant: Variant, key: str, files: LoweringInputs) -> StoredArtifact:
    # The import costs seconds and half a gigabyte: only when something must be lowered.
    with quietly():
        from harness.lowering.program import lower_variant

    if variant.runtime != EXECUTORCH:
        from harness.lowering.other_runtimes import lower_for

        return write_entry(key, variant, lower_for(variant.runtime, variant, files))
    return write_entry(key, variant, lower_variant(variant, files))


def _check_delegated(stored: StoredArtifact, allow_undelegated: bool) -> StoredArtifact:
    """Refuse a program that would measure portable kernels instead of XNNPACK's."""
    artifact = stored.artifact
    if (
        allow_undelegated
        or artifact.variant.runtime != EXECUTORCH
        or (artifact.delegates == 1 and not artifact.undelegated_nodes)
    ):
        return stored
    outside = ", ".join(artifact.undelegated_nodes) or "none"
    raise LoweringError(
        f"XNNPACK did not take the whole network: {artifact.delegates} delegates, outside them: {outside}",
        hint="change the network so that XNNPACK takes every operator,"
        " or measure it as it is with --allow-undelegated",
        variant=artifact.variant.name,
    )
