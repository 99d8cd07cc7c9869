"""What lowering gives."""

import math
from typing import Literal

from harness.records.requests import Observer, Variant
from harness.records.schema import Bytes, Count, Integer, Record, Seconds, Sha256


class TensorSpec(Record, frozen=True, kw_only=True):
    """A program's input or output: `dim_order` (0, 2, 3, 1) means NHWC in memory for NCHW sizes."""

    dtype: Literal["float32"]
    sizes: tuple[Integer, ...]
    dim_order: tuple[Integer, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of one tensor."""
        return 4 * math.prod(self.sizes)


class Calibration(Record, frozen=True, kw_only=True):
    """The data an int8 artifact's ranges were taken from; `source` is `random` or a data set's name.

    `observer` says how: by least squared error (`histogram`), all values, or 99.99 % of them (`percentile`).
    """

    source: str
    images: Integer
    seed: int | None = None
    sha256: Sha256 | None = None
    observer: Observer | None = None


class Artifact(Record, frozen=True, kw_only=True):
    """A lowered program. Its bytes, reference input and reference output lie in the artifact cache.

    `delegated_nodes` counts the operators inside XNNPACK delegates; `macs` and `params` are computed
    from the network.
    """

    variant: Variant
    sha256: Sha256
    size_bytes: Bytes
    macs: Count
    params: Count
    delegates: Integer
    delegated_nodes: Integer
    undelegated_nodes: tuple[str, ...]
    planned_arena_bytes: Bytes
    input: TensorSpec
    output: TensorSpec
    calibration: Calibration | None
    versions: dict[str, str]
    lowering_seconds: Seconds
    reference_input_sha256: Sha256
    reference_output_sha256: Sha256


class PushedArtifact(Record, frozen=True, kw_only=True):
    """What was pushed to the devices of a run."""

    name: str
    sha256: Sha256
    size_bytes: Bytes
