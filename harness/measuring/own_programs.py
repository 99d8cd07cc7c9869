"""`run --program`: which methods of which files are measured, and with what, before a device is touched."""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from harness.errors import BundleError, UsageError
from harness.lowering.inputs import Inputs, LoweringInputs
from harness.lowering.own_programs import OwnProgram
from harness.lowering.program_file import Method, ProgramFile, read_program
from harness.lowering.program_inputs import NamedArray, encode_inputs, read_arrays
from harness.records import AS_IS, RunRequest, Variant, Weights
from harness.records.progress import Log
from harness.runner.bundle import Bundle, ensure_bundle
from harness.runner.local_run import Capabilities, host_abi, list_capabilities, run_here
from harness.system.files import hash_file
from harness.system.text import printable

LONGEST_MODEL_NAME = 80
# Of what a runner lacks; the others are counted.
MOST_NAMED = 5


def prepare_programs(request: RunRequest, log: Log) -> Inputs | None:
    """The variants of the request's programs, one for each method, and what each is measured with.

    None for a request without programs. Each is checked against what the runner on this machine can execute;
    where there is no such runner, `log` gets the reason. It gets a line for each method, too.

    Raises:
        UsageError: a program, a method or an input cannot be used; it is named.
    """
    if not request.programs:
        return None
    files = [read_program(Path(path)) for path in request.programs]
    arrays = read_arrays([Path(path) for path in request.program_inputs])
    methods = [(file, method) for file in files for method in _methods(file, request.methods, log)]
    bundle: Bundle | None
    try:
        bundle = ensure_bundle(host_abi())
        capabilities = list_capabilities(bundle)
    except BundleError as error:
        bundle = None
        log(f"this machine has no runner, so programs are not checked before they run: {error.what}")
    else:
        for file, method in methods:
            _refuse_unknown(file, method, capabilities)
    prepared = (_prepare(file, method, arrays, request.seed, bundle) for file, method in methods)
    inputs = {own.variant: LoweringInputs(own=own) for own in prepared}
    for line in describe_programs(inputs):
        log(line)
    return inputs


def _methods(file: ProgramFile, asked: Sequence[str], log: Log) -> list[Method]:
    """Those asked for; else all that can be measured: language models have some that only tell a size.

    Raises:
        UsageError: one that is asked for cannot be measured, or none can.
    """
    if asked:
        return [file.method(name) for name in asked]
    found, refused = [], []
    for name in file.plans:
        try:
            found.append(file.method(name))
        except UsageError as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    for one in refused:
        log(f"not measured: {one.what}")
    return found


def _refuse_unknown(file: ProgramFile, method: Method, capabilities: Capabilities) -> None:
    """Refuse what every device would refuse: the runner has the same kernels and backends everywhere."""
    lacking = [
        ("delegate", sorted(set(method.delegate_ids) - capabilities.backends), capabilities.backends),
        ("operator", sorted(set(method.operators) - capabilities.operators), frozenset[str]()),
    ]
    for what, names, known in lacking:
        if not names:
            continue
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        listed = ", ".join(printable(name)[:60] for name in names[:MOST_NAMED]) + more
        has = f"; it has {', '.join(sorted(known))}" if known else ""
        raise UsageError(
            f"{file.path.name}, method {method.name}: the runner has no {what} {listed}{has}",
            hint="lower the program to XNNPACK or to portable kernels, with the version of ExecuTorch that"
            " the harness uses",
        )


def _prepare(
    file: ProgramFile, method: Method, arrays: Sequence[NamedArray], seed: int, bundle: Bundle | None
) -> OwnProgram:
    name = file.path.name
    return OwnProgram(
        path=file.path,
        size_bytes=file.size_bytes,
        method=method,
        variant=Variant(
            width=None,
            resolution_px=None,
            classes=None,
            precision=AS_IS,
            model=model_name(file.path),
            method=method.name,
            weights=Weights(source=name, sha256=hash_file(file.path)),
        ),
        reference_input=encode_inputs(f"{name}, method {method.name},", method.inputs, arrays, seed),
        runtime=bundle.sha256 if bundle else "none",
        run_here=partial(run_here, bundle),
    )


def model_name(path: Path) -> str:
    """The file's name without `.pte`, safe in every file name and path."""
    stem = path.name.removesuffix(".pte")
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", stem)[:LONGEST_MODEL_NAME]
    return safe if re.match(r"[A-Za-z0-9_]", safe) else f"_{safe}"


def describe_programs(inputs: Inputs) -> Iterable[str]:
    """A line for each program: what it takes and gives, its delegates, and the operators outside them."""
    for own in (files.own for files in inputs.values() if files.own):
        method = own.method
        takes, gives = (", ".join(spec.text for spec in specs) for specs in (method.inputs, method.outputs))
        ids = ", ".join(sorted(set(map(printable, method.delegate_ids)))) or "none"
        outside = ", ".join(dict.fromkeys(map(printable, method.operators))) or "none"
        yield (
            f"{printable(own.path.name)}, method {method.name}: {takes} -> {gives}; delegates: {ids};"
            f" operators outside them: {len(method.operators)} ({outside})"
        )
