"""A request that a Python program made: refused where the command line would refuse its options."""

from collections.abc import Callable, Iterable

import msgspec

from harness.cli import parsing, placement_parsing, validation
from harness.errors import UsageError
from harness.records import RunRequest


def check_made(request: RunRequest) -> None:
    """Check types, ranges and conflicts.

    Raises:
        UsageError: a value is no such option's; it is named as on the command line.
    """
    try:
        msgspec.convert(msgspec.to_builtins(request), RunRequest)
    except msgspec.ValidationError as error:
        raise UsageError(f"the request is malformed: {error}") from error
    _refuse_empty(request)
    lists: tuple[tuple[Iterable[object], Callable[[str], object]], ...] = (
        (request.widths, parsing.parse_widths),
        (request.resolutions_px, parsing.parse_resolutions),
        (request.precisions, parsing.parse_precisions),
        (request.threads, placement_parsing.parse_threads),
        (request.rates_hz, placement_parsing.parse_rates),
    )
    for values, parse in lists:
        if text := ",".join(map(str, values)):
            parse(text)
    placement_parsing.parse_placements(request.cores)
    lowest = {"processes": 1, "max_rounds": 1, "warmup_iterations": 0, "min_iterations": 1, "classes": 2}
    for name, least in lowest.items():
        value = getattr(request, name)
        if value is not None and value < least:
            raise UsageError(f"{name} {value} is less than {least}")
    for name in ("max_minutes", "max_seconds", "cooled_within_celsius"):
        if (limit := getattr(request, name)) is not None and limit <= 0:
            raise UsageError(f"{name} {limit:g} is not above 0")
    validation.check_rounds(request.processes, request.max_rounds)
    validation.check_max_time(request.min_seconds, request.max_seconds)
    validation.check_data_sets(request)


def _refuse_empty(request: RunRequest) -> None:
    """Raise UsageError where nothing would be measured."""
    if request.programs:
        return
    of_the_network = () if request.weights_files else ("widths", "resolutions_px")
    for name in ("precisions", "runtimes", *of_the_network):
        if not getattr(request, name):
            raise UsageError(f"{name} of the request is empty", hint="name at least one")
