"""The story of `harness run`: lower each variant, measure it on each device, save each cell."""

import importlib.metadata
import itertools
import platform
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from harness.analysis.cells import record_first_mismatch
from harness.analysis.parity import HINTS
from harness.devices.target import Target
from harness.errors import HarnessError, MeasurementError
from harness.lowering.background import Artifacts, lower_in_background
from harness.lowering.cache import StoredArtifact
from harness.lowering.inputs import SEEDED, Inputs
from harness.measuring.parallel import FindBundle, measure_on
from harness.records import Artifact, Cell, PushedArtifact, Run, RunRequest, Variant
from harness.records.run_folder import RUN_FILE, read_cells, read_run, write_cell, write_run
from harness.runner.bundle import ensure_bundle
from harness.system.paths import PROJECT
from harness.system.processes import run_local
from harness.system.progress import Event, Listener

PACKAGES = ("mobilenet-harness", "torch", "executorch", "torchao", "adb-shell")


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its cells, and what went wrong with which device or variant."""

    folder: Path
    cells: tuple[Cell, ...]
    errors: tuple[HarnessError, ...]


def run(
    request: RunRequest,
    targets: Sequence[Target],
    folder: Path,
    listen: Listener,
    *,
    inputs: Inputs | None = None,
    find_bundle: FindBundle = ensure_bundle,
) -> Outcome:
    """Measure everything asked for; a folder that has cells of the same request goes on from there.

    `inputs` has the variants that weights files give, and what each is lowered from; without it the
    product of the request's lists is run, with seeded weights.

    Raises:
        Interrupted: Ctrl-C; what was measured is saved.
    """
    record = read_run(folder) if (folder / RUN_FILE).exists() else _start_record(request, folder)
    with _lower(request, listen, inputs) as artifacts:
        errors = measure_on(targets, request, artifacts, folder, listen, find_bundle)
        errors.extend(_lowering_errors(artifacts))
        lowered = [future.result() for future in artifacts.values() if not future.exception()]
    _localize_mismatches(folder, lowered, inputs, listen)
    cells = read_cells(folder)
    write_run(
        folder,
        msgspec.structs.replace(record, finished_at=_now(), artifacts=_pushed(cells)),
    )
    errors.extend(_cell_errors(cells))
    return Outcome(folder, cells, tuple(errors))


def lower_to(
    request: RunRequest, folder: Path, listen: Listener, *, inputs: Inputs | None = None
) -> tuple[tuple[Artifact, ...], tuple[HarnessError, ...]]:
    """Lower everything asked for and copy the programs into a folder."""
    with _lower(request, listen, inputs) as artifacts:
        errors = tuple(_lowering_errors(artifacts))
        stored = [future.result() for future in artifacts.values() if not future.exception()]
    folder.mkdir(parents=True, exist_ok=True)
    for program in stored:
        shutil.copyfile(program.program, folder / f"{program.artifact.variant.name}.pte")
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
            request.paddings or (request.padding,),
        )
    )


def _lower(request: RunRequest, listen: Listener, inputs: Inputs | None) -> AbstractContextManager[Artifacts]:
    variants = tuple(inputs) if inputs else variants_of(request)

    def announce(stored: StoredArtifact, done: int) -> None:
        listen(Event("", f"lowered {stored.artifact.variant.name}", step=done, steps=len(variants)))

    return lower_in_background(
        variants, inputs=inputs, allow_undelegated=request.allow_undelegated, on_lowered=announce
    )


def _lowering_errors(artifacts: Artifacts) -> Iterator[HarnessError]:
    """Wait for all; anything but an error of ours is a defect and is raised."""
    for future in artifacts.values():
        error = future.exception()
        if isinstance(error, HarnessError):
            yield error
        elif error is not None:
            raise error


def _localize_mismatches(
    folder: Path, lowered: Sequence[StoredArtifact], inputs: Inputs | None, listen: Listener
) -> None:
    """Find the tier at which each cell that failed parity departs, and save it with the cell."""
    wrong = [
        c for c in read_cells(folder) if c.parity and not c.parity.passed and not c.parity.first_mismatch_at
    ]
    if not wrong:
        return
    # Only when something is wrong: it brings in what evaluation needs.
    from harness.accuracy.divergence import CheckedProgram, find_reference_mismatch

    by_sha256 = {stored.artifact.sha256: stored for stored in lowered}
    files = {variant.name: files for variant, files in (inputs or {}).items()}
    for cell in wrong:
        stored = by_sha256.get(cell.artifact.sha256)
        if stored is None:
            continue
        name, device = cell.variant.name, cell.device

        def log(text: str, name: str = name, device: str = device.name) -> None:
            listen(Event(device, f"{name}: {text}"))

        program = CheckedProgram(stored, files.get(name, SEEDED))
        stage = find_reference_mismatch(program, log, on_host=device.kind == "host")
        write_cell(folder, record_first_mismatch(cell, stage))


def _cell_errors(cells: Sequence[Cell]) -> Iterator[HarnessError]:
    """What failed loudly: cells without figures, and cells that compute something else."""
    for cell in cells:
        subject = {"device": cell.device.name, "variant": cell.variant.name}
        if cell.failure:
            hint = "go on without it, or measure it again in another run folder"
            yield MeasurementError(cell.failure.what, hint=hint, **subject)
        elif cell.parity and not cell.parity.passed:
            stage = cell.parity.first_mismatch_at
            yield MeasurementError(
                f"its output is not the eager model's: off by {cell.parity.max_abs_error:.3g},"
                f" {cell.parity.tolerance:.3g} is allowed"
                + (f"; it departs where it is {stage}" if stage else ""),
                hint=HINTS[stage],
                **subject,
            )


def _start_record(request: RunRequest, folder: Path) -> Run:
    record = Run(
        id=folder.resolve().name,
        started_at=_now(),
        finished_at=None,
        request=request,
        versions={
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in PACKAGES},
        },
        git_revision=_git_revision(),
        host=f"{platform.system()} {platform.release()} {platform.machine()}",
        artifacts=(),
    )
    write_run(folder, record)
    return record


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _git_revision() -> str | None:
    """The harness's own revision, when it runs from a checkout."""
    answer = run_local(["git", "-C", str(PROJECT), "rev-parse", "HEAD"], timeout_s=10)
    return answer.text.strip() if answer.exit_code == 0 else None


def _pushed(cells: Sequence[Cell]) -> tuple[PushedArtifact, ...]:
    pushed = {
        cell.artifact.sha256: PushedArtifact(
            name=cell.variant.name, sha256=cell.artifact.sha256, size_bytes=cell.artifact.size_bytes
        )
        for cell in cells
    }
    return tuple(pushed.values())
