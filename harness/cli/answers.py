"""The answer of `harness pick`, which also ends `harness run`: chosen from run folders, and as a document."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.analysis.budget import Budget, Miss
    from harness.analysis.candidates import Candidate
    from harness.analysis.ladder import Step
    from harness.analysis.program_files import ProgramFile, ProgramFiles
    from harness.analysis.selection import Answer, Selection
    from harness.analysis.selection_text import Ladders
    from harness.records import Artifact, Cell, Run

    RunsByFolder = Mapping[Path, tuple[Run, tuple[Cell, ...]]]


@dataclass(frozen=True)
class Answers:
    """What to ship, where the programs to ship lie, and what a larger budget buys on each device."""

    selection: "Selection"
    files: "ProgramFiles"
    ladders: "Ladders"

    def __repr__(self) -> str:
        """The answers as text, without the cells that they rest on: what a notebook shows."""
        return self.explain()

    def explain(self, *, all_rejected: bool = False) -> str:
        """The answers as text; with what a budget buys where none was given."""
        from harness.analysis.selection_text import explain

        ladders = {} if self.selection.budget.limits_anything else self.ladders
        return explain(self.selection, self.files, ladders, all_rejected=all_rejected)

    @property
    def document(self) -> dict[str, object]:
        """The answers for `--json`."""
        return answer_document(self.selection, self.files, self.ladders)


def choose(
    runs: "RunsByFolder",
    budget: "Budget",
    *,
    device: str | None = None,
    copies: Collection[Path] = (),
    unreadable: int = 0,
) -> Answers:
    """Choose among the cells of these run folders; raises UsageError as `selection.pick` does.

    The folders of `copies` are removed again, so that no program is to be put into them. `unreadable` counts
    the cells that were left out of them.
    """
    from harness.analysis.device_pools import find_pools
    from harness.analysis.ladder import climb_each
    from harness.analysis.machines import cells_of_runs
    from harness.analysis.selection import pick
    from harness.analysis.uncounted_cells import describe_repeated, describe_unreadable, without_repeated
    from harness.records.outcomes import Outcomes, read_outcomes

    outcomes: dict[tuple[object, ...], Outcomes] = {}
    for folder, (_, cells) in runs.items():
        outcomes |= read_outcomes(folder, cells)
    measured = [members for _, members in runs.values()]
    cells = cells_of_runs(without_repeated(measured))
    pools = find_pools(runs.values())
    selection = pick(cells, budget, device=device, outcomes=outcomes, pools=pools)
    remarks = (*selection.remarks, *describe_repeated(measured), *describe_unreadable(unreadable))
    selection = replace(selection, remarks=remarks)
    ladders = climb_each(cells, budget, outcomes, device=device, pools=pools)
    return Answers(selection, _find_files(selection, runs, copies), ladders)


def _find_files(
    selection: "Selection", runs: "RunsByFolder", copies: Collection[Path]
) -> "dict[str, ProgramFile]":
    """Where the program of each cell to ship lies, by its SHA-256; cells of one digest have one file."""
    from harness.lowering.stored_programs import PROGRAMS_FOLDER

    wanted = {cell.artifact.sha256: cell.artifact for cell in _to_ship(selection)}
    found: dict[str, ProgramFile] = {}
    for folder, (run, cells) in runs.items():
        for digest in {cell.artifact.sha256 for cell in cells} & (wanted.keys() - found.keys()):
            lowered = Path(PROGRAMS_FOLDER) if folder in copies else folder / PROGRAMS_FOLDER
            found[digest] = _find_file(wanted[digest], folder, lowered, run)
    return found


def _to_ship(selection: "Selection") -> "Iterator[Cell]":
    for answer in selection.answers:
        if answer.best:
            yield answer.best.cell
    if selection.for_all:
        yield selection.for_all.candidates[0].cell


def _find_file(artifact: "Artifact", folder: Path, lowered: Path, run: "Run") -> "ProgramFile":
    from harness.analysis.commands import lower_command
    from harness.analysis.program_files import ProgramFile
    from harness.lowering.cache import library_versions
    from harness.lowering.stored_programs import find_program

    command = lower_command(artifact.variant, run.request, lowered)
    here = library_versions(artifact.variant.runtime)
    other = {name: made for name, made in artifact.versions.items() if here.get(name, made) != made}
    listed = ", ".join(f"{name} {version}" for name, version in other.items())
    return ProgramFile(find_program(artifact, folder), command, listed)


def answer_document(chosen: "Selection", files: "ProgramFiles", ladders: "Ladders") -> dict[str, object]:
    """An answer for each device or pool; if there is one, its fields also stand at the top."""
    answers = [_answer(chosen, one, files, ladders.get(one.device.name, ())) for one in chosen.answers]
    return {
        **(answers[0] if len(answers) == 1 else {}),
        "budget": chosen.budget,
        "answers": answers,
        "for_all": {
            "basis": chosen.for_all.basis,
            "cells": [_shipped(one, files) for one in chosen.for_all.candidates],
        }
        if chosen.for_all
        else None,
        "left_out": chosen.left_out,
        "remarks": chosen.remarks,
    }


def _answer(
    chosen: "Selection", answer: "Answer", files: "ProgramFiles", ladder: "Sequence[Step]"
) -> dict[str, object]:
    """An answer with each cell's figures, but without its samples."""
    from harness.analysis.ladder_text import limit_of
    from harness.analysis.selection_text import answer_cautions

    return {
        "device": answer.device.name,
        "pool": _pool(answer),
        "best": _shipped(answer.best, files) if answer.best else None,
        "runner_up": _candidate(answer.runner_up) if answer.runner_up else None,
        "within_budget": len(answer.ranked) + len(answer.set_aside),
        "basis": answer.basis,
        "data": answer.data,
        "tied": answer.tied,
        "probability": answer.probability,
        "ladder": [
            {**_figures(step.candidate.cell), "limit": limit_of(step), "gain_pp": step.gain_pp}
            for step in ladder
        ],
        "cautions": answer_cautions(answer, answer.best, chosen.budget) if answer.best else (),
        "upgrades": [
            {
                **_figures(one.candidate.cell),
                "gain_pp": one.gain_pp,
                "misses": [_miss(miss) for miss in one.rejected.misses],
            }
            for one in answer.upgrades
        ],
        "nearest": {
            **_figures(answer.nearest.cell),
            "misses": [_miss(miss) for miss in answer.nearest.misses],
        }
        if answer.nearest
        else None,
        "set_aside": [_figures(one.cell) for one in answer.set_aside],
        "rejected": [{**_figures(one.cell), "reasons": one.reasons} for one in answer.rejected],
    }


def _pool(answer: "Answer") -> dict[str, object] | None:
    """The pool's devices, which measured the best cell, and how unequal they are; None of one device."""
    if answer.pool is None:
        return None
    cell = answer.best and answer.best.cell
    return {
        "devices": answer.pool.devices,
        "measured": answer.pool.measured,
        "measured_on": cell.device.name if cell else None,
        "between_devices": answer.pool.spread_for(cell) if cell else None,
    }


def _miss(miss: "Miss") -> dict[str, object]:
    return {"limit": miss.limit, "option": miss.option, "allowed": miss.allowed, "needed": miss.needed}


def _shipped(candidate: "Candidate", files: "ProgramFiles") -> dict[str, object]:
    """A candidate to ship; `file` is None where its program is not on this machine, and `lower` makes it."""
    found = files.get(candidate.cell.artifact.sha256)
    return {
        **_candidate(candidate),
        "file": found and found.path,
        "lower": found and found.lower,
    }


def _candidate(candidate: "Candidate") -> dict[str, object]:
    return {
        **_figures(candidate.cell),
        "other_placements": [_figures(cell) for cell in candidate.other_placements],
        "repeats": [_figures(cell) for cell in candidate.repeats],
    }


def _figures(cell: "Cell") -> dict[str, object]:
    from harness.analysis.variant_labels import labelled_name

    return {
        "name": labelled_name(cell),
        "device": cell.device.name,
        "clock": cell.device.clock,
        "threads": cell.plan.threads,
        "cores": cell.plan.cpus,
        "rate_hz": cell.plan.rate_hz,
        "backend_options": cell.plan.backend_options,
        "variant": cell.variant,
        "artifact_sha256": cell.artifact.sha256,
        "artifact_bytes": cell.artifact.size_bytes,
        "latency": cell.latency,
        "pace": cell.pace,
        "sustained": cell.sustained.figures if cell.sustained else None,
        "energy": cell.energy.figures if cell.energy else None,
        "startup": cell.startup,
        "first_launch": cell.first_launch,
        "cold": cell.cold,
        "held_clocks": cell.held_clocks,
        "instructions_per_inference": cell.instructions_per_inference,
        "memory": cell.memory,
        "accuracy": cell.accuracy,
        "verdict": cell.verdict,
    }
