"""Conflicting options, and options that conflict with an earlier run: refused before anything is touched."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analysis.precisions import is_quantized
from harness.analysis.runtimes import RUNTIMES, check_runtimes
from harness.errors import UsageError
from harness.records import DEFAULT_OBSERVER, EXECUTORCH, RunRequest
from harness.records.requests import EnergyBy
from harness.system.extras import require_extra

if TYPE_CHECKING:
    from harness.analysis.budget import Budget
    from harness.analysis.margins import Margins

# Budgets change no plan: they are asked of the cells that there are in the end.
BUDGETS = (
    *("--max-latency", "--max-p90", "--max-p99", "--max-startup", "--max-instructions"),
    *("--max-memory", "--max-size", "--max-energy", "--min-accuracy", "--search"),
)
BESIDE_RESUME = (
    "--resume",
    "--fail-on",
    "--json",
    "--quiet",
    "--verbose",
    "--dry-run",
    "--yes",
    "--margin",
    "--power-command",
    "--lab",
    *BUDGETS,
)


def check_runtimes_of(request: RunRequest, *, search: bool) -> None:
    """Refuse what only ExecuTorch's runner can do, and runtimes whose converter is not installed.

    Raises:
        UsageError: such an option is given, or no precision can be lowered to a runtime.
    """
    others = [name for name in request.runtimes if name != EXECUTORCH]
    if not others:
        return
    only_executorch = {
        "--profile": request.profile,
        "--backend-options": any(request.backend_options),
        "--search": search,
        f"--observer {request.observer}": request.observer != DEFAULT_OBSERVER,
    }
    for option, given in only_executorch.items():
        if given:
            raise UsageError(
                f"{option} is of ExecuTorch alone, and --runtime names {', '.join(others)}",
                hint=f"leave out {option}, or measure {EXECUTORCH} in a separate run",
            )
    check_runtimes(request.runtimes, request.precisions)
    quantized = any(map(is_quantized, request.precisions))
    for name in others:
        known = RUNTIMES[name]
        quantizers = (known.quantizer.replace("-", "_"),) if quantized else ()
        require_extra(known.extra, f"lowering to {known.title}", *quantizers)


def check_data_sets(request: RunRequest) -> None:
    """Refuse data sets for random weights, whose accuracy means nothing."""
    if request.weights_files:
        return
    for option, dataset in (
        ("--accuracy", request.accuracy_dataset),
        ("--calibrate", request.calibration_dataset),
    ):
        if dataset:
            raise UsageError(
                f"{option} {dataset} needs trained weights",
                hint="name some with --weights; harness train makes them",
            )
    if request.observer != DEFAULT_OBSERVER:
        raise UsageError(
            f"--observer {request.observer} needs trained weights", hint="name some with --weights"
        )


def check_search(request: RunRequest, budget: "Budget") -> None:
    """Refuse a search that could not rank, or not end in time.

    Raises:
        UsageError: a time limit or a base is named, no cost is limited, or no accuracy is published.
    """
    from harness.analysis.search import check_searchable
    from harness.lowering.lower import variants_of

    if request.max_minutes is not None:
        raise UsageError(
            "--search and --time-limit conflict: a search ends when the best variant is known",
            hint="give one of them; --processes and --max-time shorten each cell",
        )
    if request.against is not None:
        raise UsageError(
            "--search and --against conflict: a search measures only some of the variants",
            hint="leave --search out to compare all of them with the base",
        )
    check_searchable(variants_of(request), budget, ranked=not request.weights_files)


def check_sustained(request: RunRequest, *, search: bool) -> None:
    """Refuse what contradicts running back to back for minutes.

    Raises:
        UsageError: another option asks for the contrary; it is named.
    """
    if request.sustain_seconds is None:
        return
    reasons = {
        "--cold": (request.cold, "one starts with nothing in memory, the other runs for minutes"),
        "--rate": (bool(request.rates_hz), "--sustain runs back to back, and a rate leaves pauses to cool"),
        "--search": (search, "a search would measure the next cell on a device that is hot"),
    }
    for option, (given, why) in reasons.items():
        if given:
            raise UsageError(
                f"--sustain and {option} conflict: {why}",
                hint="give one of them, and the other in a second run",
            )
    if request.max_minutes is not None and request.sustain_seconds > 60 * request.max_minutes:
        raise UsageError(
            f"--sustain {request.sustain_seconds} s is longer than --time-limit"
            f" {60 * request.max_minutes:g} s",
            hint="a time limit leaves room for the sustained runs of all cells, and for the processes before",
        )


def margins_of(request: RunRequest, accepted: float | None) -> "Margins | None":
    """How much worse than the base still counts as no worse; None for the defaults.

    Raises:
        UsageError: a margin without a base, or out of range.
    """
    from harness.analysis.margins import Margins

    if accepted is None:
        return None
    if request.against is None:
        raise UsageError(
            "--margin needs a base to compare with", hint="name one with --against, or leave --margin out"
        )
    margins = Margins(latency=accepted, instructions=accepted)
    margins.check()
    return margins


def energy_by(*, energy: bool, command: Sequence[str]) -> EnergyBy | None:
    """What measures energy, if anything is to.

    Raises:
        UsageError: a command is named, but no energy is asked for.
    """
    if command and not energy:
        raise UsageError("--power-command measures energy, which is not asked for", hint="add --energy")
    return None if not energy else "command" if command else "device"


def check_energy(request: RunRequest, budget: "Budget", command: Sequence[str], *, search: bool) -> None:
    """Refuse what contradicts measuring energy, of a new run or a resumed one.

    Raises:
        UsageError: another option asks for the contrary; or the command is missing, needless, or of several
            devices; or a time limit ends before.
    """
    from harness.runner.energy import EnergyPlan

    if budget.max_energy_joules is not None and request.energy is None:
        raise UsageError("--max-energy needs the energy of an inference", hint="measure it: add --energy")
    if command and request.energy != "command":
        raise UsageError(
            "--power-command cannot be added to a run without it", hint="leave it out, or start another run"
        )
    if request.energy == "command" and not command:
        raise UsageError(
            "the energy of this run is read from a command, which is not saved",
            hint="give the same --power-command again",
        )
    if request.energy is None:
        return
    if command and len(request.devices) > 1:
        raise UsageError(
            f"--power-command measures one device, and {len(request.devices)} are named",
            hint="measure each in a run for itself",
        )
    needed_s = EnergyPlan().seconds
    if request.max_minutes is not None and needed_s > 60 * request.max_minutes:
        raise UsageError(
            f"--energy takes {needed_s:g} s of each cell, longer than --time-limit"
            f" {60 * request.max_minutes:g} s",
            hint="a time limit leaves room for the energy of all cells, and for the processes before",
        )
    reasons = {
        "--rate": (bool(request.rates_hz), "energy is that of inferences back to back"),
        "--against": (request.against is not None, "a pair of processes is too short for a meter"),
        "--search": (search, "a search measures only some of the variants, by their latency"),
    }
    for option, (given, why) in reasons.items():
        if given:
            raise UsageError(
                f"--energy and {option} conflict: {why}",
                hint="give one of them, and the other in a second run",
            )


def check_evaluation(request: RunRequest) -> None:
    """Refuse to evaluate without weights or images, and own programs."""
    if request.programs:
        raise UsageError(
            "the run was made of own programs, whose classes are not known",
            hint="accuracy is measured of the built-in network, with --weights",
        )
    if not request.weights_files:
        raise UsageError(
            "the run was made with random weights, whose accuracy means nothing",
            hint="run again with --weights; harness train makes them",
        )
    if not request.accuracy_dataset:
        raise UsageError("no data set to evaluate on", hint="for example --accuracy fashion-mnist")


def check_measured(asked: Iterable[str], measured: Iterable[str]) -> None:
    """Refuse devices that a run has no cells of."""
    known = sorted(set(measured))
    for name in asked:
        if name not in known:
            raise UsageError(f"the run measured nothing on {name}", hint=f"it measured on {', '.join(known)}")


def check_rounds(processes: int | None, max_rounds: int | None) -> None:
    """Raise UsageError where the maximum number of rounds is below the minimum."""
    if processes is not None and max_rounds is not None and max_rounds < processes:
        raise UsageError(f"--max-rounds {max_rounds} is fewer than --processes {processes}")


def check_max_time(min_time: float | None, max_time: float | None) -> None:
    """Raise UsageError where the maximum timed duration is below the minimum, both in seconds."""
    if min_time is not None and max_time is not None and max_time < min_time:
        raise UsageError(f"--max-time {max_time:g}s is less than --min-time {min_time:g}s")


def check_resumed(given: Sequence[str]) -> None:
    """A resumed run measures what its first request says; anything else would mix two plans in a folder.

    Raises:
        UsageError: an option beside `--resume` changes the request.
    """
    if others := [name for name in given if name not in BESIDE_RESUME]:
        raise UsageError(
            f"--resume continues with the options of that run; {', '.join(others)} cannot be changed",
            hint="leave it out, or start another run with --out",
        )


def check_training(
    *, start: Path | None, epochs: int | None, freeze_backbone: bool, quantization_aware: bool
) -> None:
    """Refuse conflicting options of `harness train`."""
    if freeze_backbone and not start:
        raise UsageError("--freeze-backbone needs weights to keep", hint="name them with --from")
    if quantization_aware and not start:
        raise UsageError(
            "--quantization-aware starts from trained weights",
            hint="name them with --from; harness train without it makes some",
        )
    if quantization_aware and freeze_backbone:
        raise UsageError("--quantization-aware trains what --freeze-backbone keeps", hint="give one of them")
    if freeze_backbone and epochs is not None:
        raise UsageError(
            "--epochs has no effect with --freeze-backbone: the new classifier is fitted until it converges",
            hint="leave one of them out",
        )
