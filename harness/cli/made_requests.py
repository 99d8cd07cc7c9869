"""One check of what a run is asked for, whoever asks: the command line, `--resume` or a Python program."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from harness.cli import parsing, placement_parsing, validation, workplaces
from harness.cli.field_names import named_by_fields
from harness.cli.made_budgets import check_budget
from harness.cli.request_ranges import first_out_of_range
from harness.errors import UsageError
from harness.records import AS_IS, DEFAULT_OBSERVER, EXECUTORCH, RunRequest

if TYPE_CHECKING:
    from harness.analysis.budget import Budget


def check_request(
    request: RunRequest,
    budget: "Budget",
    *,
    search: bool,
    power_command: Sequence[str] = (),
    lab: str | None = None,
    beside_devices: bool = False,
) -> None:
    """Check ranges, lists and conflicts, before anything is touched.

    `lab` is where the run is to be made, `beside_devices` whether devices are named beside a pool.

    Raises:
        UsageError: a value is out of its range, a list is empty or has an item twice, or two conflict.
    """
    if wrong := first_out_of_range(request):
        raise UsageError(wrong)
    _check_lists(request)
    _check_programs(request, budget, search=search)
    validation.check_rounds(request.processes, request.max_rounds)
    validation.check_max_time(request.min_seconds, request.max_seconds)
    validation.check_runtimes_of(request, search=search)
    validation.check_data_sets(request)
    validation.check_sustained(request, search=search)
    validation.check_energy(request, budget, power_command, search=search)
    workplaces.check_lab(request, lab)
    workplaces.check_any_of(request, lab, beside_devices=beside_devices, search=search)
    if search:
        validation.check_search(request, budget)


def check_made(request: object, budget: object, *, search: bool) -> RunRequest:
    """The request of a Python program with the types of its fields, such as tuples for lists.

    Raises:
        UsageError: as `check_request`, with the names of fields; or a value is of another type, or asks for
            what only the command line can do.
    """
    if not isinstance(request, RunRequest):
        raise UsageError(f"the request is a {type(request).__name__}", hint="make one: api.RunRequest(...)")
    try:
        typed = msgspec.convert(msgspec.to_builtins(request), RunRequest)
    except (msgspec.ValidationError, TypeError) as error:
        raise UsageError(f"the request is malformed: {error}") from error
    for field, given in {"lab": typed.lab is not None, "energy 'command'": typed.energy == "command"}.items():
        if given:
            raise UsageError(
                f"{field} is of the command line alone, and harness.api measures from this host",
                hint="use harness run with --lab, or --energy with --power-command",
            )
    limits = check_budget(budget)
    with named_by_fields():
        check_request(typed, limits, search=search)
    return typed


def _check_lists(request: RunRequest) -> None:
    network = not request.programs
    files = bool(request.weights_files)
    lists: tuple[tuple[str, bool, Callable[[str], Sequence[object]]], ...] = (
        ("widths", network and not files, parsing.parse_widths),
        ("resolutions_px", network and not files, parsing.parse_resolutions),
        ("precisions", network, parsing.parse_precisions),
        ("runtimes", True, parsing.parse_runtimes),
        ("threads", False, placement_parsing.parse_threads),
        ("rates_hz", False, placement_parsing.parse_rates),
        ("backend_options", False, placement_parsing.parse_backend_options),
        ("paddings", False, parsing.parse_paddings),
    )
    for field, needed, parse in lists:
        values = getattr(request, field)
        if needed and not values:
            raise UsageError(f"{field} is empty, so that nothing would be measured", hint="name at least one")
        if values and values != (AS_IS,):
            _refuse_other(field, values, parse(",".join(map(_word, values))))
    _refuse_other("cores", request.cores, placement_parsing.parse_placements(request.placements))
    for field in ("devices", "programs", "methods", "weights_files"):
        _refuse_other(field, getattr(request, field), dict.fromkeys(getattr(request, field)))


def _word(value: object) -> str:
    """As it is typed: XNNPACK's defaults are None in a request."""
    return "default" if value is None else str(value)


def _refuse_other(field: str, values: Sequence[object], parsed: Iterable[object]) -> None:
    """Refuse an item that is there twice, and a word that only the command line knows, such as `all`."""
    once = tuple(parsed)
    if values and values != once:
        raise UsageError(
            f"{field} is {', '.join(map(_word, values))}, which is not one name or number an item, each once",
            hint=f"name {', '.join(map(_word, once))}",
        )


def _check_programs(request: RunRequest, budget: "Budget", *, search: bool) -> None:
    """As `program_options.check_programs`, which sees what was typed."""
    if not request.programs:
        for field in ("methods", "program_inputs"):
            if getattr(request, field):
                raise UsageError(f"{field} needs programs", hint="name the .pte file in programs")
        return
    of_the_network = {
        **{name: bool(getattr(request, name)) for name in ("widths", "resolutions_px", "paddings")},
        "precisions": request.precisions not in ((), (AS_IS,)),
        "weights_files": bool(request.weights_files),
        "allow_undelegated": request.allow_undelegated,
        "runtimes": request.runtimes != (EXECUTORCH,),
        "accuracy_dataset": request.accuracy_dataset is not None,
        "accuracy_on_host": request.accuracy_on_host,
        "calibration_dataset": request.calibration_dataset is not None,
        "observer": request.observer != DEFAULT_OBSERVER,
        "min_accuracy": budget.min_accuracy is not None,
        "search": search,
    }
    if others := [name for name, given in of_the_network.items() if given]:
        raise UsageError(
            f"programs are measured as they are; {', '.join(others)}: of the built-in network",
            hint="leave these out, or leave out programs",
        )
