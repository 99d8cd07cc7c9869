"""From the tensors of a file of any origin to the state of our network, each tensor checked."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.accuracy.labels import class_offset_of
from harness.accuracy.preprocessing import Preprocessing
from harness.errors import UsageError
from harness.records import Padding, Weights
from models.layers import BLOCKS
from models.mobilenet_v1 import Activation, MobileNetV1

LAYERS = (
    "stem",
    *(f"blocks.{index}.{half}" for index in range(len(BLOCKS)) for half in ("depthwise", "pointwise")),
)
NORM_TENSORS = ("weight", "bias", "running_mean", "running_var")
_QUANTIZED = ("uint8", "int8", "int32")
_LAST_LAYER_CHANNELS = BLOCKS[-1][0]
# Far beyond any published network.
MAX_WIDTH = 8
MAX_CLASSES = 1_000_000


@dataclass(frozen=True)
class NamedTensor:
    """A tensor in PyTorch's layout (OIHW, OI), and its name in the file for messages.

    `stored_as` is its number format in the file, where reading has changed that.
    """

    name: str
    value: Tensor
    stored_as: str = ""

    @property
    def number_format(self) -> str:
        """`float16`, or `uint8` of quantized weights."""
        return self.stored_as or str(self.value.dtype).removeprefix("torch.")


@dataclass(frozen=True)
class Source:
    """The result of reading a file, not yet checked.

    `tensors` maps the names of our network's state, and `<layer>.conv.bias` where convolutions have
    biases, to the file's tensors; without `classifier.*` it is a backbone. `unexpected` names tensors that
    MobileNetV1 does not have. `preprocessing` takes a resolution; `resolution_px` is the file's, if recorded.
    `entry` is the part of the file that was read, `remarks` sentences on choices that were made.
    """

    origin: str
    tensors: Mapping[str, NamedTensor]
    padding: Padding
    bn_eps: float
    preprocessing: Callable[[int], Preprocessing]
    unexpected: tuple[str, ...] = ()
    activation: Activation = "relu6"
    resolution_px: int | None = None
    class_names: tuple[str, ...] = ()
    entry: str | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadedWeights:
    """Checked weights of MobileNetV1, with all that determines the network and its input.

    `classes` is None for a backbone without classifier. Label L of a data set without the network's
    background class is output L + `class_offset`.
    With `batch_norm_folded` the file, or one that it was trained from, had no BatchNorm statistics, and ours
    are the identity plus a bias: right for inference, but training must not update them. `entry` is that of
    the source; `remarks` are sentences on what was chosen and converted while the file was read.
    """

    state: Mapping[str, Tensor]
    width: float
    classes: int | None
    class_offset: int
    class_names: tuple[str, ...]
    padding: Padding
    bn_eps: float
    activation: Activation
    batch_norm_folded: bool
    preprocessing: Callable[[int], Preprocessing]
    resolution_px: int | None
    origin: str
    file_name: str
    sha256: str
    entry: str | None = None
    remarks: tuple[str, ...] = ()

    @property
    def record(self) -> Weights:
        """The record of these weights in a variant."""
        return Weights(source=self.file_name, sha256=self.sha256, entry=self.entry, remarks=self.remarks)

    def network(self, *, new_classes: int | None = None) -> MobileNetV1:
        """The network in evaluation mode; with `new_classes`, its classifier is new and untrained.

        Raises:
            UsageError: the file has no classifier and `new_classes` is None.
        """
        classes = new_classes or self.classes
        if classes is None:
            raise UsageError(
                f"{self.file_name} is a backbone without a classifier",
                hint="train a head for it: harness train --from FILE --freeze-backbone",
            )
        network = MobileNetV1(
            self.width,
            classes=classes,
            padding=self.padding,
            bn_eps=self.bn_eps,
            activation=self.activation,
        )
        state = dict(self.state)
        if new_classes is not None:
            state |= {name: value for name, value in network.state_dict().items() if _is_head(name)}
        network.load_state_dict(state)
        return network.eval()


def assemble(source: Source, file_name: str, sha256: str, *, width: float | None) -> LoadedWeights:
    """Check every tensor against the network of this width (default: the file's own) and complete BatchNorm.

    Raises:
        UsageError: a missing, unexpected or non-finite tensor, or one of the wrong shape.
    """
    if source.unexpected:
        names = ", ".join(source.unexpected[:5]) + (", …" if len(source.unexpected) > 5 else "")
        raise UsageError(
            f"{file_name} ({source.origin}) has tensors that MobileNetV1 does not have: {names}",
            hint="save the state dict of the network alone; one with other layers is not measured",
        )
    tensors = _complete(source.tensors, source.bn_eps)
    classes = _count_classes(tensors, file_name)
    used_width = width if width is not None else _infer_width(tensors, file_name)
    with torch.device("meta"):
        network = MobileNetV1(used_width, classes=classes or 1)
    state: dict[str, Tensor] = {}
    for name, wanted in network.state_dict().items():
        if _is_head(name) and classes is None:
            continue
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(0)
            continue
        state[name] = _checked(tensors.get(name), name, wanted.shape, used_width, file_name)
    return LoadedWeights(
        state=state,
        width=used_width,
        classes=classes,
        class_offset=class_offset_of(classes, source.class_names),
        class_names=source.class_names,
        padding=source.padding,
        bn_eps=source.bn_eps,
        activation=source.activation,
        batch_norm_folded=_is_folded(state, source.bn_eps),
        preprocessing=source.preprocessing,
        resolution_px=source.resolution_px,
        origin=source.origin,
        file_name=file_name,
        sha256=sha256,
        entry=source.entry,
        remarks=(*source.remarks, *_describe_conversions(source.tensors)),
    )


def _describe_conversions(tensors: Mapping[str, NamedTensor]) -> Iterator[str]:
    """A sentence for each number format of the file that is not float32, the network's own."""
    counts = Counter(tensor.number_format for tensor in tensors.values())
    for number_format, count in sorted(counts.items()):
        if number_format == "float32":
            continue
        converted = "rounded" if number_format == "float64" else "converted"
        if number_format in _QUANTIZED:
            converted = "dequantized"
        yield f"{count} of {len(tensors)} tensors, stored as {number_format}, are {converted} to float32"


def _complete(tensors: Mapping[str, NamedTensor], bn_eps: float) -> dict[str, NamedTensor]:
    """Express biases of convolutions through BatchNorm: our convolutions have none.

    Before a BatchNorm, conv + b - mean = conv - (mean - b). Without one (folded), a BatchNorm of gain 1,
    mean 0 and variance 1 - eps is the identity, and beta carries the bias.
    """
    complete = dict(tensors)
    for layer in LAYERS:
        bias = complete.pop(f"{layer}.conv.bias", None)
        norms = [f"{layer}.norm.{tensor}" for tensor in NORM_TENSORS]
        mean = complete.get(f"{layer}.norm.running_mean")
        if bias is not None and mean is not None:
            difference = mean.value.double() - bias.value.double()
            complete[norms[2]] = NamedTensor(f"{mean.name} - {bias.name}", difference)
        elif bias is not None and not any(norm in complete for norm in norms):
            # In half precision 1 - eps would be 1.
            ones, zeros = (torch.full(bias.value.shape, value, dtype=torch.float64) for value in (1.0, 0.0))
            for norm, value in zip(norms, (ones, bias.value, zeros, ones - bn_eps), strict=True):
                complete[norm] = NamedTensor(bias.name, value)
    return complete


def _is_folded(state: Mapping[str, Tensor], bn_eps: float) -> bool:
    """Whether the statistics are those that `_complete` makes up, for this file or one that it came from.

    A mean of exactly 0 in each channel is none that images gave.
    """
    mean, variance = state["stem.norm.running_mean"], state["stem.norm.running_var"]
    return not mean.any() and torch.allclose(variance, torch.tensor(1 - bn_eps), rtol=0, atol=1e-6)


def _count_classes(tensors: Mapping[str, NamedTensor], file_name: str) -> int | None:
    weight, bias = tensors.get("classifier.weight"), tensors.get("classifier.bias")
    if weight is None and bias is None:
        return None
    if weight is None or bias is None:
        missing = "weight" if weight is None else "bias"
        raise UsageError(
            f"{file_name} has a classifier without its {missing}: classifier.{missing} is missing"
        )
    if weight.value.dim() != 2 or not 0 < weight.value.shape[0] <= MAX_CLASSES:
        raise UsageError(f"{file_name}: {weight.name} has shape {tuple(weight.value.shape)}")
    return int(weight.value.shape[0])


def _infer_width(tensors: Mapping[str, NamedTensor], file_name: str) -> float:
    """The shortest decimal width that gives the number of channels of the last layer."""
    last = tensors.get(f"{LAYERS[-1]}.conv.weight")
    if last is None:
        raise UsageError(f"{file_name} has no tensor for {LAYERS[-1]}.conv.weight")
    channels = int(last.value.shape[0]) if last.value.dim() else 0
    if not 0 < channels <= MAX_WIDTH * _LAST_LAYER_CHANNELS:
        raise UsageError(f"{file_name}: {last.name} has shape {tuple(last.value.shape)}")
    exact = channels / _LAST_LAYER_CHANNELS
    rounded = (round(exact, digits) for digits in (1, 2, 3))
    return next((w for w in rounded if int(_LAST_LAYER_CHANNELS * w) == channels), exact)


def _checked(
    tensor: NamedTensor | None, ours: str, shape: torch.Size, width: float, file_name: str
) -> Tensor:
    if tensor is None:
        raise UsageError(
            f"{file_name} has no tensor for {ours}", hint="check that the file holds a complete MobileNetV1"
        )
    if tensor.value.shape != shape:
        raise UsageError(
            f"{file_name}: {tensor.name} has shape {tuple(tensor.value.shape)}, "
            f"but width {width:g} needs {tuple(shape)}",
            hint="give --width as the file was trained, or leave --width out",
        )
    if tensor.value.layout != torch.strided or not tensor.value.is_floating_point():
        raise UsageError(
            f"{file_name}: {tensor.name} holds {str(tensor.value.dtype).removeprefix('torch.')} numbers, "
            "not floating-point ones",
            hint="save the weights before they are quantized",
        )
    value = tensor.value.detach().to(torch.float32).contiguous()
    if not torch.isfinite(value).all():
        raise UsageError(
            f"{file_name}: {tensor.name} holds NaN or infinity", hint="download the file or train it again"
        )
    if ours.endswith("running_var") and (value < 0).any():
        raise UsageError(
            f"{file_name}: {tensor.name} holds a negative variance",
            hint="download the file or train it again",
        )
    return value


def _is_head(name: str) -> bool:
    return name.startswith("classifier.")
