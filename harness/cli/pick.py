"""`harness pick`."""

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.application import GroupedCommand, app, examples, print_json, show
from harness.cli.budget_options import (
    BUDGET,
    MaxInstructions,
    MaxLatency,
    MaxMemory,
    MaxP90,
    MaxP99,
    MaxSize,
    MaxStartup,
    MinAccuracy,
    parse_budget,
)
from harness.cli.failures import error_document, show_errors
from harness.cli.options import OUTPUT, Json, RunFolders

if TYPE_CHECKING:
    from harness.analysis.budget import Miss
    from harness.analysis.candidates import Candidate
    from harness.analysis.selection import Answer, Selection
    from harness.records import Cell
    from harness.records.outcomes import Outcomes


@app.command(
    cls=GroupedCommand,
    epilog=examples(
        "harness pick results/demo --max-latency 20ms --max-memory 40MB --min-accuracy 60%",
        "harness pick results/demo --max-latency 20ms --max-startup 200ms --threads 1,2 --precision int8",
        "harness pick results/ci --max-instructions 60M --device emulator",
        "harness pick results/pixel results/kitchen-pi --max-latency 50ms",
    ),
)
def pick(
    folders: RunFolders,
    max_latency: MaxLatency = None,
    max_p90: MaxP90 = None,
    max_p99: MaxP99 = None,
    max_startup: MaxStartup = None,
    max_instructions: MaxInstructions = None,
    max_memory: MaxMemory = None,
    max_size: MaxSize = None,
    min_accuracy: MinAccuracy = None,
    threads: Annotated[
        str | None,
        typer.Option(
            "--threads",
            "-t",
            metavar="LIST",
            rich_help_panel=BUDGET,
            help="Consider only these thread counts.",
        ),
    ] = None,
    cores: Annotated[
        str | None,
        typer.Option(
            metavar="CORES",
            rich_help_panel=BUDGET,
            help="Consider only cells placed on these cores: little, big, prime, all, or a list such as 4-7.",
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            "-p",
            metavar="LIST",
            rich_help_panel=BUDGET,
            help="Consider only these precisions.",
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device",
            "-d",
            metavar="NAME",
            rich_help_panel=BUDGET,
            help="Choose only for this device.",
        ),
    ] = None,
    all_rejected: Annotated[
        bool,
        typer.Option("--all", rich_help_panel=OUTPUT, help="List every rejected cell with its reasons."),
    ] = False,
    json: Json = False,
) -> None:
    """Name the best variant within a budget, for each device and for all of them.

    Each limit is compared with the worse end of a figure's interval.

    Exit code 0 every device has one, 1 one has none within the budget, or a damaged cell was left out.
    """
    from harness.analysis import selection, selection_text
    from harness.analysis.machines import cells_of_runs
    from harness.records.outcomes import read_outcomes
    from harness.records.run_folder import load_intact_runs

    budget = parse_budget(
        max_latency=max_latency,
        max_p90=max_p90,
        max_p99=max_p99,
        max_startup=max_startup,
        max_instructions=max_instructions,
        max_memory=max_memory,
        max_size=max_size,
        min_accuracy=min_accuracy,
        threads=threads,
        cores=cores,
        precision=precision,
    )
    runs, errors = load_intact_runs(folders)
    outcomes: dict[tuple[object, ...], Outcomes] = {}
    for folder, (_, cells) in zip(dict.fromkeys(folder.resolve() for folder in folders), runs, strict=True):
        outcomes |= read_outcomes(folder, cells)
    chosen = selection.pick(
        cells_of_runs(members for _, members in runs), budget, device=device, outcomes=outcomes
    )
    if json:
        print_json({**_document(chosen), "errors": [error_document(error) for error in errors]})
    else:
        show(selection_text.explain(chosen, all_rejected=all_rejected))
    show_errors(errors)
    found = all(answer.best for answer in chosen.answers)
    raise typer.Exit(0 if found and not errors else 1)


def _document(chosen: "Selection") -> dict[str, object]:
    """An answer for each device; with one device, its fields also stand at the top."""
    answers = [_answer(answer) for answer in chosen.answers]
    return {
        **(answers[0] if len(answers) == 1 else {}),
        "budget": chosen.budget,
        "answers": answers,
        "for_all": {
            "basis": chosen.for_all.basis,
            "cells": [_candidate(one) for one in chosen.for_all.candidates],
        }
        if chosen.for_all
        else None,
        "left_out": chosen.left_out,
    }


def _answer(answer: "Answer") -> dict[str, object]:
    """An answer with each cell's figures, but without its samples."""
    from harness.analysis.cautions import cautions

    return {
        "device": answer.device.name,
        "best": _candidate(answer.best) if answer.best else None,
        "runner_up": _candidate(answer.runner_up) if answer.runner_up else None,
        "within_budget": len(answer.ranked) + len(answer.set_aside),
        "basis": answer.basis,
        "data": answer.data,
        "tied": answer.tied,
        "probability": answer.probability,
        "cautions": cautions(answer.best.cell, answer.basis) if answer.best else (),
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


def _miss(miss: "Miss") -> dict[str, object]:
    return {"limit": miss.limit, "option": miss.option, "allowed": miss.allowed, "needed": miss.needed}


def _candidate(candidate: "Candidate") -> dict[str, object]:
    return {
        **_figures(candidate.cell),
        "other_placements": [_figures(cell) for cell in candidate.other_placements],
    }


def _figures(cell: "Cell") -> dict[str, object]:
    from harness.analysis.variant_labels import labelled_name

    return {
        "name": labelled_name(cell),
        "device": cell.device.name,
        "clock": cell.device.clock,
        "threads": cell.plan.threads,
        "cores": cell.plan.cpus,
        "variant": cell.variant,
        "artifact_sha256": cell.artifact.sha256,
        "artifact_bytes": cell.artifact.size_bytes,
        "latency": cell.latency,
        "startup": cell.startup,
        "held_clocks": cell.held_clocks,
        "instructions_per_inference": cell.instructions_per_inference,
        "memory": cell.memory,
        "accuracy": cell.accuracy,
        "verdict": cell.verdict,
    }
