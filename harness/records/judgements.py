"""How right, how accurate and how reliable the figures of a cell are."""

from typing import Literal

from harness.records.measurements import Interval
from harness.records.schema import Count, Integer, Record

# Stages in order. A mismatch originates in the first one whose output differs from the one before.
Stage = Literal["exported", "host", "device"]


class Parity(Record, frozen=True, kw_only=True):
    """The device's output of the reference input against the eager model's (int8: the quantized one).

    When it did not pass, `first_mismatch_at` is the first stage whose output differs from the one before.
    """

    max_abs_error: float
    tolerance: float
    cosine: float
    top1_agrees: bool
    passed: bool
    first_mismatch_at: Stage | None = None
    remarks: tuple[str, ...] = ()


class PairedDrop(Record, frozen=True, kw_only=True):
    """The drop of top-1 accuracy between two networks on the same images, in percentage points.

    `only_base` images were right with the first network alone, `only_new` with the second alone; `p_value`
    is that of McNemar's exact test for a difference between these two counts.
    """

    drop_pp: Interval
    images: Count
    only_base: Count
    only_new: Count
    p_value: float


class Accuracy(Record, frozen=True, kw_only=True):
    """Accuracy of the artifact that was timed, with Wilson score intervals.

    `unreadable` images are not counted in any figure; `unreadable_images` names the first of them, with the
    reason. `drop_from_fp32` is against the same weights in fp32 on the same device, if these were evaluated.
    `first_mismatch_at` is the first stage whose logits are off by more than the tolerance, if any is.
    `remarks` are sentences on what was assumed of the labels.
    """

    top1: Interval
    top5: Interval
    images: Integer
    dataset: str
    split: str
    preprocessing: str
    measured_on: str
    agreement_with_eager: float | None
    unreadable: Count = 0
    unreadable_images: tuple[str, ...] = ()
    drop_from_fp32: PairedDrop | None = None
    first_mismatch_at: Stage | None = None
    remarks: tuple[str, ...] = ()


Status = Literal["valid", "suspect", "invalid"]
Severity = Literal["invalid", "suspect", "info"]
# What a reason affects: what the program computes; whether the planned program ran as planned; times that
# something besides the program changed; how precisely times are known; counts of instructions.
Affects = Literal["result", "setup", "time", "uncertainty", "instructions"]


class Reason(Record, frozen=True, kw_only=True):
    """Why a cell is not plainly valid: a machine-readable `code` and a sentence with the figures.

    The gravest `severity` of a cell's reasons is its status; `info` leaves it valid.
    """

    code: str
    severity: Severity
    affects: Affects
    detail: str


class Verdict(Record, frozen=True, kw_only=True):
    """Whether a cell's figures may be relied on."""

    status: Status
    reasons: tuple[Reason, ...]
