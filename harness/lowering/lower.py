"""The story of `harness lower`: from a request to lowered programs."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from harness.analysis.precisions import find_precision
from harness.analysis.runtimes import can_lower, file_suffix
from harness.errors import HarnessError, LoweringError, UsageError
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.background import Artifacts, lower_in_background
from harness.lowering.inputs import Inputs
from harness.records import DEFAULT_PADDING, Artifact, RunRequest, Variant
from harness.records.progress import Event, Listener
from harness.system.extras import require_extra
from harness.system.files import copy_atomically
from harness.system.foreign_errors import as_harness_error


def lower_to(
    request: RunRequest, folder: Path, listen: Listener, *, inputs: Inputs | None = None
) -> tuple[tuple[Artifact, ...], tuple[HarnessError, ...]]:
    """Lower what a request asks for, and write each program as `<variant>.pte` as soon as it is lowered.

    Returns what was written, and the error of each variant that was not.

    Raises:
        UsageError: the folder cannot be made, or a package that lowers is missing; nothing has been lowered.
    """
    require_extra("lower", "lowering a network")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}") from error
    written, errors = [], []
    with lower_variants(asked_for(request, inputs), request, listen, inputs) as artifacts:
        for future in artifacts.values():
            try:
                written.append(_write_program(future.result(), folder))
            except Exception as error:
                errors.append(as_harness_error(error))
    return tuple(written), tuple(dict.fromkeys(errors))


def _write_program(stored: StoredArtifact, folder: Path) -> Artifact:
    name = stored.artifact.variant.name
    file = folder / f"{name}{file_suffix(stored.artifact.variant.runtime)}"
    try:
        copy_atomically(stored.program, file)
    except OSError as error:
        raise LoweringError(f"cannot write {file}: {error.strerror}", variant=name) from error
    return stored.artifact


def variants_of(request: RunRequest) -> tuple[Variant, ...]:
    """The product of the lists, in the order given."""
    return tuple(
        Variant(
            width=width,
            resolution_px=resolution_px,
            precision=precision,
            padding=padding,
            classes=request.classes,
            weights=request.weights,
            runtime=runtime,
        )
        for width, resolution_px, precision, padding, runtime in itertools.product(
            request.widths,
            request.resolutions_px,
            request.precisions,
            request.paddings or (DEFAULT_PADDING,),
            request.runtimes,
        )
        if can_lower(runtime, precision)
    )


def asked_for(request: RunRequest, inputs: Inputs | None) -> tuple[Variant, ...]:
    """The variants of `inputs`, or, without it, those of the request."""
    return tuple(inputs) if inputs else variants_of(request)


def lower_variants(
    variants: Sequence[Variant], request: RunRequest, listen: Listener, inputs: Inputs | None
) -> AbstractContextManager[Artifacts]:
    """Lower these variants of the request in the background.

    Raises:
        UsageError: this version does not have a variant's precision, as in a run folder of a newer one.
    """
    for variant in variants:
        if not variant.is_own_program:
            find_precision(variant.precision)

    def announce(stored: StoredArtifact, done: int) -> None:
        listen(
            Event(
                "",
                _done(stored.artifact.variant),
                step=done,
                steps=len(variants),
            )
        )

    return lower_in_background(
        variants,
        inputs=inputs,
        allow_undelegated=request.allow_undelegated,
        on_lowered=announce,
        log=lambda text: listen(Event("", text)),
    )


def _done(variant: Variant) -> str:
    return f"{variant.name} ran on this machine" if variant.is_own_program else f"lowered {variant.name}"


def lowering_errors(artifacts: Artifacts) -> Iterator[HarnessError]:
    """Wait for every variant and yield its error, if it has one; one that ended all of them only once."""
    for error in dict.fromkeys(future.exception() for future in artifacts.values()):
        if isinstance(error, Exception):
            yield as_harness_error(error)
