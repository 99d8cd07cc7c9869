"""Where and how a variant runs, from the text of options: threads, cores, rates, XNNPACK's options."""

from collections.abc import Sequence
from itertools import groupby
from typing import get_args

from harness.analysis.clusters import CLUSTER_NAMES, names_cores
from harness.cli.parsing import parse_list, whole
from harness.errors import UsageError
from harness.records.requests import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, BackendOptions
from harness.records.task_profiles import TASK_PROFILES, TaskProfileName

MAX_THREADS = 256


def parse_threads(text: str) -> tuple[int, ...]:
    """Thread counts from 1 up."""
    return parse_list(text, "--threads", _threads)


def parse_thread_axis(text: str) -> tuple[int, ...]:
    """The same, or `auto`: none, because the cores of each placement decide."""
    items = [item.strip() for item in text.split(",")]
    if "auto" in items and len(items) > 1:
        raise UsageError(
            f"--threads {text!r}: auto is the only item of its list",
            hint="--threads auto runs 1, 2, 4, ... threads and as many as there are cores",
        )
    return () if items == ["auto"] else parse_threads(text)


def parse_rates(text: str) -> tuple[float, ...]:
    """Inferences a second: from 0.1 to 1000."""
    return parse_list(text, "--rate", _rate)


def parse_rate(text: str) -> float:
    """One rate."""
    rates = parse_rates(text)
    if len(rates) != 1:
        raise UsageError(f"--rate {text!r} is not one rate", hint="for example --rate 30")
    return rates[0]


def parse_backend_options(text: str) -> tuple[BackendOptions | None, ...]:
    """XNNPACK's options by name, `default` as None."""
    return parse_list(text, "--backend-options", _backend_options)


def parse_cores(text: str | None) -> str | None:
    """A cluster's name, or a CPU list such as `0-3,6` in the kernel's format."""
    return text if text is None else _place(text, text, example="4-7")


def parse_placements(texts: Sequence[str]) -> tuple[str, ...]:
    """Placements, each a cluster's name or a CPU list.

    Commas separate names; numbers between commas are one CPU list, as the kernel writes them: `little,0-3,6`
    is two placements. Several lists take the option several times.
    """
    placements: list[str] = []
    for text in texts:
        parts = [part.strip() for part in text.split(",")]
        for are_names, group in groupby(parts, key=CLUSTER_NAMES.__contains__):
            items = list(group)
            placements += items if are_names else [_place(",".join(items), text, example="little,4-7")]
    return tuple(dict.fromkeys(placements))


def _place(named: str, text: str, *, example: str) -> str:
    """`named` is the part of the option's `text` that stands for one placement."""
    if not names_cores(named):
        part = "" if named == text else f": {named!r}"
        raise UsageError(
            f"--cores {text!r}{part} is not a list of cores and none of {', '.join(CLUSTER_NAMES)}",
            hint=f"for example --cores {example}",
        )
    return named


def _threads(text: str) -> int:
    threads = whole(text)
    if not 1 <= threads <= MAX_THREADS:
        raise ValueError(f"the number of threads is from 1 to {MAX_THREADS}, not {text}")
    return threads


def parse_task_profile(text: str | None) -> TaskProfileName | None:
    """`top-app`, as a member of the type; None where none is asked for."""
    if text is None:
        return None
    for one in TASK_PROFILES:
        if one == text:
            return one
    raise UsageError(
        f"--task-profile {text!r} is none of {', '.join(TASK_PROFILES)}",
        hint="top-app is an app in front; leave the option out for a shell's own scheduling",
    )


def _backend_options(text: str) -> BackendOptions | None:
    known: tuple[BackendOptions, ...] = get_args(BackendOptions)
    if text == "default":
        return None
    for one in known:
        if one == text:
            return one
    raise ValueError(f"{text!r} is none of default, {', '.join(known)}")


def _rate(text: str) -> float:
    try:
        rate_hz = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
        raise ValueError(
            f"inferences a second are from {LOWEST_RATE_HZ:g} to {HIGHEST_RATE_HZ:g}, not {text}"
        )
    return rate_hz
