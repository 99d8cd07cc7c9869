"""The fields that options stand for: an error of a Python program names the field."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from harness.errors import UsageError

_FIELDS = {
    "--device": "devices",
    "--program": "programs",
    "--method": "methods",
    "--input": "program_inputs",
    "--width": "widths",
    "--resolution": "resolutions_px",
    "--precision": "precisions",
    "--runtime": "runtimes",
    "--cores": "cores",
    "--rate": "rates_hz",
    "--weights": "weights_files",
    "--padding": "paddings",
    "--accuracy": "accuracy_dataset",
    "--calibrate": "calibration_dataset",
    "--time-limit": "max_minutes",
    "--max-time": "max_seconds",
    "--min-time": "min_seconds",
    "--sustain": "sustain_seconds",
    "--max-latency": "max_latency_ns",
    "--max-p90": "max_p90_ns",
    "--max-p99": "max_p99_ns",
    "--max-memory": "max_memory_bytes",
    "--max-energy": "max_energy_joules",
}
# Options that are typed alone, and such as `--any-of`, whose field is the same word.
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")
_COMMAND_LINE_ONLY = ("--power-command", "--resume", "--out")


@contextmanager
def named_by_fields(fields: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
    """Raise a `UsageError` again with the fields' names instead of the options', these before the others."""

    def name(option: str) -> str:
        if option in _COMMAND_LINE_ONLY:
            return option
        return {**_FIELDS, **fields}.get(option, option.removeprefix("--").replace("-", "_"))

    try:
        yield
    except UsageError as error:
        what, hint = (_OPTION.sub(lambda found: name(found[0]), text) for text in (error.what, error.hint))
        raise UsageError(what, hint=hint, device=error.device) from None
