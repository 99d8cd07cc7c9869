"""`run --against BASE`: another run's programs, found before anything is touched, and measured beside new."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.analysis.comparison import Comparison
from harness.analysis.interleaved import compare_interleaved
from harness.analysis.margins import Margins
from harness.errors import HarnessError, UsageError
from harness.lowering.artifact_store import StoredArtifact
from harness.lowering.stored_programs import (
    PROGRAMS_FOLDER,
    find_program,
    find_reference_input,
    find_reference_output,
    keep_programs,
)
from harness.records import Artifact, BaseRun, Cell, Run, Variant
from harness.records.base_cells import base_folder, read_base_cells
from harness.records.progress import Log
from harness.records.run_folder import load_run, write_run
from harness.system.text import printable


@dataclass(frozen=True)
class BaseProgram:
    """A program of the base run; its reference input and output are None where the cache lacks them."""

    artifact: Artifact
    program: Path
    reference_input: Path | None
    reference_output: Path | None

    def beside(self, new: StoredArtifact) -> StoredArtifact:
        """The program as it is measured beside `new`, whose reference input it gets where its own is gone.

        Times depend on no value of the input. The output is compared only if it is that of the same input.
        """
        own, theirs = self.artifact, new.artifact
        output = self.reference_output
        compared = own.reference_output_sha256
        if output is None and compared is not None and compared == theirs.reference_output_sha256:
            output = new.reference_output
        if self.reference_input is None and own.reference_input_sha256 != theirs.reference_input_sha256:
            own = msgspec.structs.replace(own, reference_input_sha256=theirs.reference_input_sha256)
            output = None
        return StoredArtifact(
            own,
            self.program,
            self.reference_input or new.reference_input,
            output or new.reference_output,
            was_cached=True,
            unchecked=output is None,
        )


@dataclass(frozen=True)
class BaseSide:
    """The base run, and its program for each of this run's variants that it has one of."""

    run: BaseRun
    programs: Mapping[Variant, BaseProgram]

    def start(self, run: Run, folder: Path) -> list[HarnessError]:
        """Make the folder for the base's cells, with its programs; `run` is that of the run folder."""
        place = base_folder(folder)
        request = msgspec.structs.replace(run.request, against=None)
        write_run(place, msgspec.structs.replace(run, id=self.run.id, request=request, base=None))
        return keep_programs(self.programs.values(), place)


def read_comparison(folder: Path, margins: Margins | None = None) -> Comparison:
    """The saved result of a run that was measured against another.

    Raises:
        UsageError: as `compare_interleaved` does, or the folder cannot be read.
    """
    run, cells = load_run(folder)
    return compare_interleaved(run, read_base_cells(folder), cells, margins=margins)


def find_base(against: str | None, variants: Sequence[Variant], log: Log) -> BaseSide | None:
    """The programs of a run folder for these variants; None where none is asked for.

    Raises:
        UsageError: it is not a run folder, has none of the variants or several programs of one, or a program
            of it is gone.
    """
    if against is None:
        return None
    folder = Path(against)
    run, cells = load_run(folder)
    found = {variant: artifact for variant in variants if (artifact := _artifact_of(variant, cells, folder))}
    measured = dict.fromkeys(cell.variant.name for cell in cells)
    if not found:
        raise UsageError(
            f"--against {printable(against)} has none of the variants asked for: {_some(measured)} measured"
            f" there, {_some(variant.name for variant in variants)} asked for",
            hint="ask for variants that the base has, in width, resolution, precision and number of classes",
        )
    names = {variant.name for variant in found}
    base = BaseRun(
        id=run.id,
        started_at=run.started_at,
        versions=run.versions,
        not_asked=tuple(name for name in measured if name not in names),
        without_base=tuple(variant.name for variant in variants if variant not in found),
    )
    if base.without_base:
        log(f"measured alone, because the base has none: {_some(base.without_base)}")
    return BaseSide(base, {variant: _find(artifact, folder) for variant, artifact in found.items()})


def _artifact_of(variant: Variant, cells: Iterable[Cell], folder: Path) -> Artifact | None:
    """That of the same name and classes; where weights make several of them, that of the same weights."""
    alike = [
        cell for cell in cells if (cell.variant.name, cell.variant.classes) == (variant.name, variant.classes)
    ]
    same = [cell for cell in alike if cell.variant.identity == variant.identity]
    artifacts = {cell.artifact.sha256: cell.artifact for cell in same or alike}
    if len(artifacts) > 1:
        raise UsageError(
            f"--against {printable(str(folder))} has {len(artifacts)} programs of this variant",
            hint="name the weights of one of them with --weights, or measure a base of one program",
            variant=variant.name,
        )
    return next(iter(artifacts.values()), None)


def _find(artifact: Artifact, folder: Path) -> BaseProgram:
    program = find_program(artifact, folder)
    if program is None:
        name = artifact.variant.name
        raise UsageError(
            f"the program of the base with sha256 {artifact.sha256[:12]} is neither in"
            f" {printable(str(folder / PROGRAMS_FOLDER))} nor in the artifact cache",
            hint=f"copy it to {printable(str(folder / PROGRAMS_FOLDER / name))}.pte,"
            " or measure the base again",
            variant=name,
        )
    return BaseProgram(artifact, program, find_reference_input(artifact), find_reference_output(artifact))


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")
