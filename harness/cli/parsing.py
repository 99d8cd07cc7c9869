"""From words of the command line to values of records: names and ranges are checked before anything runs."""

import math
import shlex
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, get_args

import msgspec

from harness.analysis.failures import FailOn
from harness.analysis.precisions import PRECISIONS
from harness.analysis.published import published_shapes
from harness.analysis.runtimes import RUNTIMES
from harness.errors import UsageError
from harness.records import (
    RANDOM_WEIGHTS,
    Observer,
    Padding,
    PrecisionName,
    RuntimeName,
    Weights,
)

ALL = "all"
MAX_WIDTH = 4.0
RESOLUTION_STEP_PX = 32
MAX_RESOLUTION_PX = 1024
HUGGING_FACE_FILES = ("model.safetensors", "pytorch_model.bin")

T = TypeVar("T")


def parse_widths(text: str) -> tuple[float, ...]:
    """Width multipliers: numbers above 0, at most 4; `all` stands for those of the published checkpoints."""
    if text.strip() == ALL:
        return tuple(sorted({width for width, _ in published_shapes()}))
    return parse_list(text, "--width", _width)


def parse_resolutions(text: str) -> tuple[int, ...]:
    """Input sides in pixels: multiples of 32, the network's total stride, up to 1024; `all` as for widths."""
    if text.strip() == ALL:
        return tuple(sorted({side for _, side in published_shapes()}))
    return parse_list(text, "--resolution", _resolution)


def parse_precisions(text: str) -> tuple[PrecisionName, ...]:
    """Precisions the harness can lower to; `all` stands for each."""
    return tuple(PRECISIONS) if text.strip() == ALL else parse_list(text, "--precision", _precision)


def parse_runtimes(text: str) -> tuple[RuntimeName, ...]:
    """Runtimes the harness can lower to."""
    return parse_list(text, "--runtime", _runtime)


def _runtime(text: str) -> RuntimeName:
    if text not in RUNTIMES:
        raise ValueError(f"{text!r} is none of {', '.join(RUNTIMES)}")
    return text


def parse_devices(texts: Sequence[str], option: str = "--device") -> tuple[str, ...]:
    """Device names, each once; looked up later.

    Raises:
        UsageError: an item is empty.
    """
    return tuple(dict.fromkeys(name for text in texts for name in split_list(text, option)))


def parse_any_of(texts: Sequence[str]) -> tuple[str, ...]:
    """The same for the devices of a pool."""
    return parse_devices(texts, "--any-of")


def parse_weights(texts: Sequence[str]) -> tuple[str, ...]:
    """Absolute paths of weights files, so that a run can be resumed from any folder.

    Raises:
        UsageError: one of them does not exist, or an item is empty.
    """
    files = [_weights_file(Path(name)) for text in texts for name in split_list(text, "--weights")]
    for file in files:
        if not file.is_file():
            special = file.exists() and not file.is_dir()
            what = f"{file} is not a regular file" if special else f"no weights file {file}"
            raise UsageError(what, hint="check the path, or train some: harness train")
    return tuple(dict.fromkeys(str(file.resolve()) for file in files))


def _weights_file(named: Path) -> Path:
    """A folder fetched from Hugging Face stands for the weights inside."""
    inside = (named / name for name in HUGGING_FACE_FILES)
    return next((file for file in inside if file.is_file()), named)


def parse_one_width(text: str | None) -> float | None:
    """A single width multiplier."""
    return _only(parse_widths(text), "--width") if text else None


def parse_one_resolution(text: str | None) -> int | None:
    """A single resolution in px."""
    return _only(parse_resolutions(text), "--resolution") if text else None


def _only(values: tuple[T, ...], option: str) -> T:
    if len(values) > 1:
        raise UsageError(
            f"{option} takes one value in harness train", hint="run harness train once for each value"
        )
    return values[0]


def parse_place(text: str) -> bool:
    """Whether accuracy is measured on this machine instead of each device."""
    if text not in ("device", "host"):
        raise UsageError(f"--accuracy-on {text!r}: choose device or host")
    return text == "host"


def parse_paddings(text: str) -> tuple[Padding, ...]:
    """`symmetric`, `tf_same`, or both."""
    return parse_list(text, "--padding", _padding)


def parse_padding(text: str) -> Padding:
    """`symmetric` or `tf_same`."""
    return _only(parse_paddings(text), "--padding")


def parse_observer(text: str) -> Observer:
    """`histogram`, `minmax` or `percentile`."""
    for observer in get_args(Observer):
        if text == observer:
            return observer  # type: ignore[no-any-return]
    raise UsageError(f"--observer {text!r}: choose one of {', '.join(get_args(Observer))}")


def parse_fail_on(text: str | None) -> FailOn | None:
    """`suspect` or `invalid`."""
    for status in get_args(FailOn):
        if text == status:
            return status  # type: ignore[no-any-return]
    if text is None:
        return None
    raise UsageError(f"--fail-on {text!r}: choose one of {', '.join(get_args(FailOn))}")


def parse_power_command(text: str | None) -> tuple[str, ...]:
    """The words of a program of this machine, split as a shell does; empty where none is named."""
    if text is None:
        return ()
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        what = f"--power-command {text!r} is not a command line: {error}"
        raise UsageError(what, hint="quote it as a shell does") from None
    if not words or "\0" in text:
        raise UsageError("--power-command names no program", hint="name one that prints <unix_ns> <watts>")
    if shutil.which(words[0]) is None:
        raise UsageError(
            f"--power-command: there is no program {words[0]!r} on this machine",
            hint="give the path of one; the command is started without a shell, so that no pipe works",
        )
    return words


def random_weights(seed: int) -> Weights:
    """Seeded random weights."""
    return msgspec.structs.replace(RANDOM_WEIGHTS, seed=seed)


def parse_list(text: str, option: str, parse: Callable[[str], T]) -> tuple[T, ...]:
    """Items between commas, each once; `parse` raises ValueError for one that cannot be."""
    try:
        return tuple(dict.fromkeys(parse(part) for part in split_list(text, option)))
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r}: {error}", hint=f"for example {option} {_EXAMPLES[option]}"
        ) from None


def split_list(text: str, option: str) -> tuple[str, ...]:
    """Items between commas; raises UsageError where one is empty, as it is where a variable is not set."""
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise UsageError(
            f"{option} {text!r} has an empty item", hint=f"for example {option} {_EXAMPLES[option]}"
        )
    return parts


_EXAMPLES = {
    "--any-of": "pixel-1,pixel-2",
    "--device": "pixel,pi5",
    "--input": "photo.npy,mask.npy",
    "--program": "segmenter.pte,detector.pte",
    "--weights": "w25.safetensors,w50.safetensors",
    "--rate": "15,30",
    "--backend-options": "default,packed-cache",
    "--width": "0.25,0.5,1.0",
    "--resolution": "128,224",
    "--precision": "fp32,int8",
    "--runtime": "executorch,onnxruntime",
    "--threads": "1,4",
    "--padding": "symmetric,tf_same",
}


def _width(text: str) -> float:
    try:
        width = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    if not (math.isfinite(width) and 0 < width <= MAX_WIDTH):
        raise ValueError(f"a width multiplier is above 0 and at most {MAX_WIDTH:g}, not {text}")
    return width


def _resolution(text: str) -> int:
    pixels = whole(text)
    if pixels % RESOLUTION_STEP_PX or not RESOLUTION_STEP_PX <= pixels <= MAX_RESOLUTION_PX:
        nearest_px = (pixels + RESOLUTION_STEP_PX // 2) // RESOLUTION_STEP_PX * RESOLUTION_STEP_PX
        allowed_px = max(RESOLUTION_STEP_PX, min(MAX_RESOLUTION_PX, nearest_px))
        raise ValueError(
            f"a resolution is a multiple of {RESOLUTION_STEP_PX} from {RESOLUTION_STEP_PX}"
            f" to {MAX_RESOLUTION_PX} px, not {text}; {allowed_px} is one"
        )
    return pixels


def _precision(text: str) -> PrecisionName:
    name = text.lower()
    if name not in PRECISIONS:
        raise ValueError(f"there is no precision {text!r}; choose from {', '.join(PRECISIONS)}")
    return name


def _padding(text: str) -> Padding:
    for padding in get_args(Padding):
        if text == padding:
            return padding  # type: ignore[no-any-return]
    raise ValueError(f"there is no padding {text!r}; choose from {', '.join(get_args(Padding))}")


def whole(text: str) -> int:
    """A number of at most nine ASCII digits."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)
