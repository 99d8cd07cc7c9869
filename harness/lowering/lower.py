"""The story of `harness lower`: from a request to lowered programs."""

import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from harness.errors import HarnessError
from harness.lowering.background import Artifacts, lower_in_background
from harness.lowering.cache import StoredArtifact
from harness.lowering.inputs import Inputs
from harness.records import Artifact, RunRequest, Variant
from harness.records.progress import Event, Listener
from harness.system.files import copy_atomically


def lower_to(
    request: RunRequest, folder: Path, listen: Listener, *, inputs: Inputs | None = None
) -> tuple[tuple[Artifact, ...], tuple[HarnessError, ...]]:
    """Lower everything asked for and copy the programs into a folder."""
    with lower_request(request, listen, inputs) as artifacts:
        errors = tuple(lowering_errors(artifacts))
        stored = [future.result() for future in artifacts.values() if not future.exception()]
    folder.mkdir(parents=True, exist_ok=True)
    for program in stored:
        copy_atomically(program.program, folder / f"{program.artifact.variant.name}.pte")
    return tuple(program.artifact for program in stored), errors


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
        )
        for width, resolution_px, precision, padding in itertools.product(
            request.widths,
            request.resolutions_px,
            request.precisions,
            request.paddings or ("symmetric",),
        )
    )


def lower_request(
    request: RunRequest, listen: Listener, inputs: Inputs | None
) -> AbstractContextManager[Artifacts]:
    """Lower in the background what a request asks for, or the variants that `inputs` has."""
    variants = tuple(inputs) if inputs else variants_of(request)

    def announce(stored: StoredArtifact, done: int) -> None:
        listen(Event("", f"lowered {stored.artifact.variant.name}", step=done, steps=len(variants)))

    return lower_in_background(
        variants, inputs=inputs, allow_undelegated=request.allow_undelegated, on_lowered=announce
    )


def lowering_errors(artifacts: Artifacts) -> Iterator[HarnessError]:
    """Wait for all; anything but an error of ours is a defect and is raised."""
    for future in artifacts.values():
        error = future.exception()
        if isinstance(error, HarnessError):
            yield error
        elif error is not None:
            raise error
