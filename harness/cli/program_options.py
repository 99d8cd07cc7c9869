"""The options of `harness run --program`: files and methods, and what does not go with them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from harness.cli.parsing import split_list
from harness.errors import UsageError
from harness.records import AS_IS
from harness.records.requests import METHOD_NAME

if TYPE_CHECKING:
    from harness.cli.inputs import VariantFields

# What says how the built-in network is lowered or evaluated.
OF_THE_NETWORK = (
    *("--width", "--resolution", "--precision", "--weights", "--padding", "--classes", "--allow-undelegated"),
    "--runtime",
    *("--accuracy", "--accuracy-on", "--calibrate", "--observer", "--min-accuracy", "--search"),
)
OF_PROGRAMS = ("--method", "--input")


class ProgramFields(TypedDict):
    """The fields of a `RunRequest` that own programs decide."""

    programs: tuple[str, ...]
    methods: tuple[str, ...]
    program_inputs: tuple[str, ...]


def parse_programs(texts: Sequence[str]) -> tuple[str, ...]:
    """Absolute paths of programs, so that a run can be resumed from any folder.

    Raises:
        UsageError: one of them is not a regular file, or an item is empty.
    """
    return tuple(dict.fromkeys(_files(texts, "program", "name the .pte file that ExecuTorch wrote")))


def parse_inputs(texts: Sequence[str]) -> tuple[str, ...]:
    """Absolute paths of files with arrays, one as often as it is named: two inputs may be equal.

    Raises:
        UsageError: as `parse_programs`.
    """
    return _files(texts, "input", "name a .npy or .npz file")


def parse_methods(text: str) -> tuple[str, ...]:
    """Names of methods; raises UsageError for what is not an identifier."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if not re.fullmatch(METHOD_NAME, name):
            raise UsageError(
                f"--method {name!r} is not a name of a method", hint="for example --method forward"
            )
    return names


def _files(texts: Sequence[str], what: str, hint: str) -> tuple[str, ...]:
    names = [name for text in texts for name in split_list(text, f"--{what}")]
    for file in map(Path, names):
        if not file.is_file():
            problem = f"{file} is not a regular file" if file.exists() else f"no {what} {file}"
            raise UsageError(problem, hint=f"check the path; {hint}")
    return tuple(str(Path(name).resolve()) for name in names)


def program_fields(
    programs: Sequence[str] | None, methods: str | None, inputs: Sequence[str] | None
) -> ProgramFields:
    """What the options say of own programs; raises UsageError as the parsers do."""
    return ProgramFields(
        programs=parse_programs(programs or ()),
        methods=parse_methods(methods) if methods is not None else (),
        program_inputs=parse_inputs(inputs or ()),
    )


def without_network(fields: "VariantFields") -> "VariantFields":
    """The fields on variants of a run that measures no variant of the built-in network."""
    fields["widths"], fields["resolutions_px"], fields["paddings"] = (), (), ()
    fields["precisions"] = (AS_IS,)
    return fields


def check_programs(given: Sequence[str]) -> None:
    """Refuse options that conflict with `--program`, or need it.

    Raises:
        UsageError: such an option is given; it is named.
    """
    if "--program" in given:
        if others := [name for name in OF_THE_NETWORK if name in given]:
            names = f"{', '.join(others)} {'is' if len(others) == 1 else 'are'}"
            raise UsageError(
                f"--program measures a file as it is; {names} of the built-in network",
                hint=f"leave {'it' if len(others) == 1 else 'them'} out, or leave out --program",
            )
    elif others := [name for name in OF_PROGRAMS if name in given]:
        raise UsageError(f"{', '.join(others)} needs --program", hint="name the .pte file with --program")
