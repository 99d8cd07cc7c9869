"""What lowering gives."""

import math
from typing import Literal

from harness.records.requests import Observer, Variant
from harness.records.schema import Bytes, Count, Integer, Record, Seconds, Sha256

Dtype = Literal["uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bool"]
ITEM_BYTES: dict[Dtype, int] = {
    **dict.fromkeys(("uint8", "int8", "bool"), 1),
    **dict.fromkeys(("int16", "float16"), 2),
    **dict.fromkeys(("int32", "float32"), 4),
    **dict.fromkeys(("int64", "float64"), 8),
}


class TensorSpec(Record, frozen=True, kw_only=True):
    """A program's input or output: `dim_order` (0, 2, 3, 1) means NHWC in memory for NCHW sizes.

    The sizes of one whose shape is `dynamic` are its upper bound.
    """

    dtype: Dtype
    sizes: tuple[Integer, ...]
    dim_order: tuple[Integer, ...]
    dynamic: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes of one tensor."""
        return ITEM_BYTES[self.dtype] * math.prod(self.sizes)

    @property
    def text(self) -> str:
        """`float32[1,3,224,224]`, with `<=` before the sizes of a dynamic shape."""
        return f"{self.dtype}[{'<=' if self.dynamic else ''}{','.join(map(str, self.sizes))}]"


class Calibration(Record, frozen=True, kw_only=True):
    """The data an int8 artifact's ranges were taken from; `source` is `random` or a data set's name.

    `observer` says how: by least squared error (`histogram`), all values, or 99.99 % of them (`percentile`);
    None where the quantizer has another rule. `quantizer` is the package that made int8 of the network,
    with its version; None in artifacts of older versions.
    """

    source: str
    images: Integer
    seed: int | None = None
    sha256: Sha256 | None = None
    observer: Observer | None = None
    quantizer: str | None = None


class Artifact(Record, frozen=True, kw_only=True):
    """A lowered program. Its bytes, reference input and reference output lie in the artifact cache.

    `delegated_nodes` counts the operators inside XNNPACK delegates; `macs` and `params` are computed
    from the network. Of runtimes beside ExecuTorch neither nodes nor arena are known. A program of the
    user's own has no figures of the network, and `inputs` and `outputs` beside the first of each; its
    reference output is that of this machine's runtime, without one there is no parity. `delegate_ids` are the
    backends of its delegates. With `outputs_are_apart` the runner writes its outputs to a file, which the
    one float32 output of an image classifier does not need. `not_comparable` is why its outputs do not repeat
    with the same inputs, None where they do.
    """

    variant: Variant
    sha256: Sha256
    size_bytes: Bytes
    macs: Count | None
    params: Count | None
    delegates: Integer
    delegated_nodes: Integer | None
    undelegated_nodes: tuple[str, ...]
    planned_arena_bytes: Bytes | None
    input: TensorSpec
    output: TensorSpec
    calibration: Calibration | None
    versions: dict[str, str]
    lowering_seconds: Seconds | None
    reference_input_sha256: Sha256
    reference_output_sha256: Sha256 | None
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    delegate_ids: tuple[str, ...] = ()
    outputs_are_apart: bool = False
    not_comparable: str | None = None

    @property
    def all_inputs(self) -> tuple[TensorSpec, ...]:
        """Every tensor that the program is fed, in its order."""
        return self.inputs or (self.input,)

    @property
    def all_outputs(self) -> tuple[TensorSpec, ...]:
        """Every tensor that the program gives, in its order."""
        return self.outputs or (self.output,)


class PushedArtifact(Record, frozen=True, kw_only=True):
    """What was pushed to the devices of a run."""

    name: str
    sha256: Sha256
    size_bytes: Bytes
