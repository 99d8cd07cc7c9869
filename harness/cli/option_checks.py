"""Checks of values where they are read, so that all wrong ones of a command line are reported at once."""

from collections.abc import Callable

import typer

from harness.cli.quantity_options import parse_named
from harness.cli.request_ranges import RANGES
from harness.errors import UsageError


def checked(parse: Callable[[str], object]) -> Callable[..., str | None]:
    """A typer callback that keeps the text, and refuses what `parse` refuses."""

    def check(context: typer.Context, text: str | None) -> str | None:
        if text is not None and not context.resilient_parsing:
            parse(text)
        return text

    return check


def named(parse: Callable[[str, str], object]) -> Callable[..., str | None]:
    """The same, where `parse` also takes the option, first."""

    def check(context: typer.Context, parameter: typer.CallbackParam, text: str | None) -> str | None:
        if text is not None and not context.resilient_parsing:
            parse(parameter.opts[0], text)
        return text

    return check


def quantity(parse: Callable[[str], object]) -> Callable[..., str | None]:
    """The same for a quantity, whose parser does not know the option."""
    return named(lambda option, text: parse_named(option, parse, text))


def checked_list(parse: Callable[[list[str]], object]) -> Callable[..., list[str] | None]:
    """The same for an option that can be given several times."""

    def check(context: typer.Context, texts: list[str] | None) -> list[str] | None:
        if texts and not context.resilient_parsing:
            parse(texts)
        return texts

    return check


def check_seed(context: typer.Context, parameter: typer.CallbackParam, seed: int) -> int:
    """A typer callback that refuses a seed out of its range, and names the range: typer's own shows none."""
    allowed = RANGES["seed"]
    if not context.resilient_parsing and not allowed.holds(seed):
        raise UsageError(f"{parameter.opts[0]} {seed} is not {allowed.text}")
    return seed
