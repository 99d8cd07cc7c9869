"""The runtimes that run a variant on a device; each has a runner of its own, linked to its library alone."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import UsageError
from harness.records import EXECUTORCH, PrecisionName, RuntimeName, Variant


@dataclass(frozen=True)
class Runtime:
    """A runtime: `file_suffix` is that of its programs, `marker` its shape in plots (matplotlib's code).

    `converters` are the packages that lower to it and decide a program's bytes; `extra` brings them.
    `quantizer` is the one of them that makes int8 of the network; `quantized_reference` says what the outputs
    of such a program are compared with. `precisions` are those that can be lowered to it, None for all.
    `library_version` is that of what runs on devices, empty for ExecuTorch, whose installed version decides.
    """

    title: str
    file_suffix: str
    marker: str
    extra: str
    converters: tuple[str, ...]
    quantizer: str
    quantized_reference: str
    precisions: tuple[str, ...] | None = None
    library_version: str = ""


RUNTIMES: dict[RuntimeName, Runtime] = {
    EXECUTORCH: Runtime(
        title="ExecuTorch",
        file_suffix=".pte",
        marker="",
        extra="lower",
        converters=("torch", "executorch", "torchao"),
        quantizer="executorch",
        quantized_reference="the eager model",
    ),
    "litert": Runtime(
        title="LiteRT",
        file_suffix=".tflite",
        marker="v",
        extra="litert",
        converters=("torch", "litert-torch", "litert-converter", "ai-edge-quantizer"),
        quantizer="ai-edge-quantizer",
        quantized_reference="LiteRT on this machine",
        precisions=("fp32", "int8"),
        library_version="2.3.0",
    ),
    "onnxruntime": Runtime(
        title="ONNX Runtime",
        file_suffix=".onnx",
        marker="P",
        extra="onnxruntime",
        converters=("torch", "onnx", "onnxscript", "onnxruntime"),
        quantizer="onnxruntime",
        quantized_reference="exact integer arithmetic",
        precisions=("fp32", "int8"),
        library_version="1.32.0",
    ),
}


def find_runtime(name: RuntimeName) -> Runtime:
    """The entry of a runtime, for lowering and measuring.

    Raises:
        UsageError: there is no such runtime.
    """
    if name not in RUNTIMES:
        known = ", ".join(RUNTIMES)
        raise UsageError(f"there is no runtime {name!r}", hint=f"choose one or more of: {known}")
    return RUNTIMES[name]


def file_suffix(name: RuntimeName) -> str:
    """The suffix of a runtime's programs, also of one that this version does not know."""
    return RUNTIMES[name].file_suffix if name in RUNTIMES else ".program"


def runtime_marker(name: RuntimeName) -> str:
    """Its marker in plots, also of a runtime that this version does not know."""
    return RUNTIMES[name].marker if name in RUNTIMES else "X"


def program_file(variant: Variant) -> str:
    """The name of a variant's file, such as `mobilenet_v1_0.5_128_int8.pte`."""
    return f"{variant.name}{file_suffix(variant.runtime)}"


def runtime_title(name: RuntimeName) -> str:
    """`ONNX Runtime`; of a runtime that this version does not know, its name."""
    return RUNTIMES[name].title if name in RUNTIMES else name


def quantized_reference(name: RuntimeName) -> str:
    """What outputs of its quantized programs are compared with, also of a runtime that is not known here."""
    return RUNTIMES[name].quantized_reference if name in RUNTIMES else "its reference"


def can_lower(name: RuntimeName, precision: PrecisionName) -> bool:
    """Whether a precision can be lowered to a runtime; raises UsageError where there is no such runtime."""
    known = find_runtime(name).precisions
    return known is None or precision in known


def check_runtimes(names: Sequence[RuntimeName], precisions: Sequence[PrecisionName]) -> None:
    """Refuse a runtime to which none of the precisions can be lowered.

    Raises:
        UsageError: there is one, or no such runtime.
    """
    for name in names:
        if not any(can_lower(name, precision) for precision in precisions):
            known = ",".join(RUNTIMES[name].precisions or ())
            raise UsageError(
                f"{', '.join(precisions)} cannot be lowered to {RUNTIMES[name].title}",
                hint=f"--precision {known}, or leave {name} out of --runtime",
            )
