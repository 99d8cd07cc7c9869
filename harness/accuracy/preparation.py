"""From weights files and data sets to variants to lower and evaluate; bad files are refused early, here."""

import io
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from harness.accuracy.calibration import save_calibration
from harness.accuracy.datasets import Dataset, name_split, open_split
from harness.accuracy.evaluation import Subject, check_dataset, describe_labels
from harness.accuracy.labels import resolve_class_offset
from harness.accuracy.weights import LoadedWeights, load_weights
from harness.analysis.precisions import is_quantized
from harness.analysis.runtimes import can_lower
from harness.errors import UsageError
from harness.lowering.inputs import LoweringInputs
from harness.records import DEFAULT_RESOLUTION_PX, Observer, Padding, RunRequest, Variant
from harness.system.files import write_atomically
from harness.system.paths import cache_folder


@dataclass(frozen=True)
class Prepared:
    """The variants of the weights files, the inputs each is lowered from, and the data set to evaluate."""

    weights: Mapping[Variant, LoadedWeights]
    inputs: Mapping[Variant, LoweringInputs]
    dataset: Dataset | None

    def subject(self, variant: Variant, artifact_sha256: str = "") -> Subject:
        """The subject of a variant's evaluation."""
        weights = self.weights[variant]
        offset = weights.class_offset
        if self.dataset is not None:
            offset = resolve_class_offset(self.dataset, classes=variant.outputs, class_offset=offset)
        return Subject(
            artifact_sha256=artifact_sha256,
            weights=weights.record,
            classes=variant.outputs,
            class_offset=offset,
            class_names=weights.class_names,
            preprocessing=weights.preprocessing(variant.shape[1]),
        )


def prepare(
    request: RunRequest,
    log: Callable[[str], None],
    *,
    paddings: Sequence[Padding] = (),
    classes: int | None = None,
) -> Prepared:
    """Load the request's weights, which must have these `paddings` and `classes`, and open its data sets.

    Raises:
        UsageError: a file is no MobileNetV1 or fits none of the variants asked for; a data set cannot be
            read, or has other classes than the weights.
    """
    weights = choose_variants(request, paddings=paddings, classes=classes)
    for loaded in {loaded.sha256: loaded for loaded in weights.values()}.values():
        for remark in loaded.remarks:
            log(f"{loaded.file_name}: {remark}")
    dataset = open_split(request.accuracy_dataset) if request.accuracy_dataset else None
    prepared = Prepared(weights, {}, dataset)
    if dataset is not None:
        remarks: dict[str, None] = {}
        for variant in weights:
            subject = prepared.subject(variant)
            check_dataset(subject, dataset)
            remarks |= dict.fromkeys(describe_labels(subject, dataset))
        for remark in remarks:
            log(f"{dataset.name}: {remark}")
    named = request.calibration_dataset
    calibration = open_split(named, default="train") if named else None
    if calibration is None and any(is_quantized(precision) for precision in request.precisions):
        log("int8 is calibrated on synthetic images; give training images with --calibrate")
    inputs = {
        variant: _inputs(variant, loaded, calibration, request.observer)
        for variant, loaded in weights.items()
    }
    return Prepared(weights, inputs, dataset)


def choose_variants(
    request: RunRequest, *, paddings: Sequence[Padding] = (), classes: int | None = None
) -> dict[Variant, LoadedWeights]:
    """A variant for each file, resolution and precision; raises UsageError as `prepare` does."""
    files = [load_weights(Path(file), classes=classes) for file in request.weights_files]
    _check_lists(request, files)
    chosen: dict[Variant, LoadedWeights] = {}
    names: dict[str, LoadedWeights] = {}
    for loaded in files:
        if paddings and loaded.padding not in paddings:
            raise UsageError(
                f"{loaded.file_name} was trained with {loaded.padding} padding, not {', '.join(paddings)}",
                hint="leave --padding out: weights files imply it",
            )
        for variant in _variants(request, loaded):
            if variant.name in names:
                raise UsageError(
                    f"{names[variant.name].file_name} and {loaded.file_name} are both {variant.name}",
                    hint="measure them in separate runs",
                )
            names[variant.name] = loaded
            chosen[variant] = loaded
    if not chosen:
        widths = ",".join(f"{width:g}" for width in request.widths)
        sides = ",".join(map(str, request.resolutions_px))
        raise UsageError(
            f"none of the weights files fits both --width {widths} and --resolution {sides}",
            hint="leave out --width or --resolution",
        )
    return chosen


def _check_lists(request: RunRequest, files: list[LoadedWeights]) -> None:
    """Each width and resolution asked for must fit at least one file."""
    names = ", ".join(loaded.file_name for loaded in files)
    for width in request.widths:
        if not any(loaded.width == width for loaded in files):
            has = ", ".join(f"{loaded.width:g}" for loaded in files)
            raise UsageError(f"--width {width:g} fits none of {names}: trained at width {has}")
    for side in request.resolutions_px:
        if not any(loaded.resolution_px in (side, None) for loaded in files):
            has = ", ".join(f"{loaded.resolution_px}" for loaded in files)
            raise UsageError(f"--resolution {side} fits none of {names}: trained at {has} px")


def _variants(request: RunRequest, loaded: LoadedWeights) -> Iterator[Variant]:
    """A file that records its resolution is run at that resolution only."""
    if request.widths and loaded.width not in request.widths:
        return
    sides = request.resolutions_px or (loaded.resolution_px or DEFAULT_RESOLUTION_PX,)
    if loaded.resolution_px is not None:
        sides = tuple(side for side in sides if side == loaded.resolution_px)
    if loaded.classes is None:
        loaded.network()  # raises: a backbone without a classifier
    for side, precision, runtime in itertools.product(sides, request.precisions, request.runtimes):
        if not can_lower(runtime, precision):
            continue
        yield Variant(
            width=loaded.width,
            resolution_px=side,
            precision=precision,
            padding=loaded.padding,
            classes=loaded.classes or 0,
            weights=loaded.record,
            runtime=runtime,
        )


def find_training_split(dataset: str) -> str | None:
    """The name of a data set's training split, which int8 is calibrated on; None if it has none.

    Raises:
        UsageError: the data set itself cannot be opened.
    """
    evaluated = open_split(dataset)
    training = f"{name_split(dataset)[0]}:train"
    try:
        content = open_split(training).content
    except UsageError:
        return None
    # A folder without split folders would be calibrated on the images it is evaluated on.
    return None if content == evaluated.content else training


def _inputs(
    variant: Variant, loaded: LoadedWeights, calibration: Dataset | None, observer: Observer
) -> LoweringInputs:
    images = None
    if calibration is not None and is_quantized(variant.precision):
        preprocessing = loaded.preprocessing(variant.shape[1])
        images = save_calibration(calibration, preprocessing, cache_folder() / "calibration")
    return LoweringInputs(weights_file=_convert(loaded), calibration_images=images, observer=observer)


def _convert(loaded: LoadedWeights) -> Path:
    """The weights in the format that lowering reads; the same file always gives the same bytes."""
    file = cache_folder() / "weights" / f"{loaded.sha256}.pt"
    buffer = io.BytesIO()
    state = {"state_dict": dict(loaded.state), "bn_eps": loaded.bn_eps, "activation": loaded.activation}
    torch.save(state, buffer)
    if file.exists() and file.read_bytes() == buffer.getvalue():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, buffer.getvalue())
    return file
