"""Names of MobileNetV1's tensors in files of other origins, and each origin's padding and preprocessing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from harness.accuracy.preprocessing import Preprocessing, tensorflow_preprocessing, torchvision_preprocessing
from harness.accuracy.weights.assembly import LAYERS, NORM_TENSORS, NamedTensor, Source
from harness.accuracy.weights.entries import describe_choice, is_averaged
from harness.errors import UsageError
from harness.records import Padding
from models.layers import BLOCKS
from models.mobilenet_v1 import PUBLISHED_BN_EPS, Activation

TORCH_BN_EPS = 1e-5
# Batches counted by BatchNorm, updates counted by AveragedModel and ema-pytorch, operations counted by thop.
_COUNTERS = ("num_batches_tracked", "n_averaged", "initted", "step", "steps", "total_ops", "total_params")
# A loss function of the trainer, with the weights of its classes.
_LOSSES = ("criterion", "loss", "loss_fn", "loss_func")
# What torch.compile, FSDP and checkpointed activations put into names, before any part of the network.
_WRAPPER_MARKS = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")


@dataclass(frozen=True)
class Naming:
    """One origin: `place(layer)` gives its prefixes of a layer's convolution and BatchNorm."""

    origin: str
    place: Callable[[str], tuple[str, str]]
    classifier: str
    padding: Padding
    bn_eps: float
    preprocessing: Callable[[int], Preprocessing]
    activation: Activation = "relu6"
    # A tensor that shows another network with the same names.
    foreign: str = ""

    def names(self) -> Iterator[tuple[str, str]]:
        """Pairs of our name and theirs, for every tensor that the file may have."""
        for layer in LAYERS:
            conv, norm = self.place(layer)
            yield f"{layer}.conv.weight", f"{conv}.weight"
            yield f"{layer}.conv.bias", f"{conv}.bias"
            for tensor in NORM_TENSORS:
                yield f"{layer}.norm.{tensor}", f"{norm}.{tensor}"
        yield "classifier.weight", f"{self.classifier}.weight"
        yield "classifier.bias", f"{self.classifier}.bias"


def _split(layer: str) -> tuple[int, bool]:
    """Block index (-1 for the stem) and whether it is the depthwise half."""
    if layer == "stem":
        return -1, False
    _, index, half = layer.split(".")
    return int(index), half == "depthwise"


def _own_place(layer: str) -> tuple[str, str]:
    return f"{layer}.conv", f"{layer}.norm"


def _course_place(layer: str) -> tuple[str, str]:
    block, depthwise = _split(layer)
    if block < 0:
        return "first_conv.0", "first_conv.1"
    conv, norm = (0, 1) if depthwise else (3, 4)
    return f"bottleneck.{block}.{conv}", f"bottleneck.{block}.{norm}"


def _hugging_face_place(layer: str) -> tuple[str, str]:
    block, depthwise = _split(layer)
    place = "conv_stem" if block < 0 else f"layer.{2 * block + (not depthwise)}"
    return f"mobilenet_v1.{place}.convolution", f"mobilenet_v1.{place}.normalization"


def _hugging_face_backbone_place(layer: str) -> tuple[str, str]:
    conv, norm = _hugging_face_place(layer)
    return conv.removeprefix("mobilenet_v1."), norm.removeprefix("mobilenet_v1.")


def _sequential_place(layer: str) -> tuple[str, str]:
    """`self.model = nn.Sequential(conv_bn(3, 32, 2), conv_dw(32, 64, 1), …)`, behind `model.`."""
    block, depthwise = _split(layer)
    conv, norm = (0, 1) if block < 0 or depthwise else (3, 4)
    return f"{block + 1}.{conv}", f"{block + 1}.{norm}"


def _padded_sequential_place(layer: str) -> tuple[str, str]:
    """The sequential port with a layer that pads before each convolution of stride 2."""
    block, depthwise = _split(layer)
    pads = block < 0 or BLOCKS[block][1] == 2
    conv = pads + (0 if block < 0 or depthwise else 3)
    return f"{block + 1}.{conv}", f"{block + 1}.{conv + 1}"


def _amc_place(layer: str) -> tuple[str, str]:
    block, depthwise = _split(layer)
    if block < 0:
        return "conv1.0", "conv1.1"
    conv, norm = (0, 1) if depthwise else (3, 4)
    return f"features.{block}.{conv}", f"features.{block}.{norm}"


def _tensorflow_scope_place(layer: str) -> tuple[str, str]:
    """`features`, with the scopes of TF-Slim as names of its parts."""
    block, depthwise = _split(layer)
    part = "conv" if block < 0 else "depthwise" if depthwise else "pointwise"
    place = f"features.Conv2d_{block + 1}.{part}"
    return f"{place}.0", f"{place}.1"


def _pytorchcv_place(layer: str) -> tuple[str, str]:
    block, depthwise = _split(layer)
    if block < 0:
        place = "features.init_block"
    else:
        stage, index = _TIMM_STAGES[block]
        place = f"features.stage{stage + 1}.unit{index + 1}.{'dw' if depthwise else 'pw'}_conv"
    return f"{place}.conv", f"{place}.bn"


def _timm_place(layer: str) -> tuple[str, str]:
    block, depthwise = _split(layer)
    if block < 0:
        return "conv_stem", "bn1"
    stage, index = _TIMM_STAGES[block]
    place = f"blocks.{stage}.{index}"
    return (f"{place}.conv_dw", f"{place}.bn1") if depthwise else (f"{place}.conv_pw", f"{place}.bn2")


def _timm_stages() -> tuple[tuple[int, int], ...]:
    """timm begins a new stage with each block that halves the resolution."""
    stages: list[tuple[int, int]] = []
    stage = index = 0
    for block, (_, stride) in enumerate(BLOCKS):
        stage, index = (stage + 1, 0) if stride == 2 else (stage, index + (block > 0))
        stages.append((stage, index))
    return tuple(stages)


_TIMM_STAGES = _timm_stages()


def _hugging_face_preprocessing(resolution_px: int) -> Preprocessing:
    """The image processor of google/mobilenet_v1_*: shorter side to 256, 224 from the centre, [-1, 1]."""
    return Preprocessing(resolution_px=resolution_px, crop_fraction=0.875)


def _timm_preprocessing(resolution_px: int) -> Preprocessing:
    """timm's configuration of mobilenetv1_100.ra4_e3600_r224_in1k."""
    return Preprocessing(resolution_px=resolution_px, crop_fraction=0.875, interpolation="bicubic")


OWN = Naming("ours", _own_place, "classifier", "symmetric", PUBLISHED_BN_EPS, tensorflow_preprocessing)
_NAMINGS = (
    OWN,
    *(
        Naming("Hugging Face", place, "classifier", "tf_same", PUBLISHED_BN_EPS, _hugging_face_preprocessing)
        for place in (_hugging_face_place, _hugging_face_backbone_place)
    ),
    Naming("timm", _timm_place, "classifier", "symmetric", TORCH_BN_EPS, _timm_preprocessing),
    # Tensors do not show whether it is ReLU or ReLU6; the paper, which such ports follow, has ReLU.
    Naming(
        "PyTorch course port",
        _course_place,
        "linear",
        "symmetric",
        TORCH_BN_EPS,
        torchvision_preprocessing,
        activation="relu",
    ),
    # github.com/ruotianluo/pytorch-mobilenet-from-tf, whose weights are those that TensorFlow has published.
    Naming(
        "TF-Slim in PyTorch",
        _tensorflow_scope_place,
        "classifier",
        "tf_same",
        PUBLISHED_BN_EPS,
        tensorflow_preprocessing,
    ),
    # The package pytorchcv (github.com/osmr/imgclsmob), which has weights of all four widths.
    Naming(
        "pytorchcv",
        _pytorchcv_place,
        "output",
        "symmetric",
        TORCH_BN_EPS,
        torchvision_preprocessing,
        activation="relu",
    ),
    # github.com/mit-han-lab/amc-models. Before the sequential port, which `features.0.0` would be taken for.
    # github.com/mit-han-lab/haq, by the same names but for its classifier.0, has ReLU first, and then ReLU6.
    Naming(
        "AMC",
        _amc_place,
        "classifier.1",
        "symmetric",
        TORCH_BN_EPS,
        torchvision_preprocessing,
        activation="relu",
        foreign="classifier.0.weight",
    ),
    # github.com/marvis/pytorch-mobilenet, github.com/qfgaohao/pytorch-ssd, and the many who copied them, some
    # as `features` or `layers`: what stands before `0.0.weight` is a prefix here.
    Naming(
        "PyTorch port of marvis and qfgaohao",
        _sequential_place,
        "fc",
        "symmetric",
        TORCH_BN_EPS,
        torchvision_preprocessing,
        activation="relu",
    ),
    # github.com/ZFTurbo/MobileNet-v1-Pytorch, whose weights are those that Keras has published.
    Naming(
        "Keras in PyTorch",
        _padded_sequential_place,
        "fc",
        "tf_same",
        PUBLISHED_BN_EPS,
        tensorflow_preprocessing,
    ),
)


def identify(tensors: Mapping[str, Tensor], file_name: str) -> Source:
    """Recognize the origin of a PyTorch state by the name of its first convolution.

    Wrappers (DataParallel, torch.compile, FSDP, Lightning) put prefixes before the names; where one prefix
    holds averaged weights (EMA) and another the raw ones, the averaged ones are used.

    Raises:
        UsageError: the names are of no known origin, or it is not clear which tensors are meant.
    """
    tensors = _without_wrappers(tensors, file_name)
    for naming in _NAMINGS:
        prefixes = _prefixes(naming, tensors)
        if prefixes and not any(f"{prefix}{naming.foreign}" in tensors for prefix in prefixes):
            return _take(naming, tensors, prefixes, file_name)
    some = ", ".join(list(tensors)[:4])
    known = ", ".join(naming.origin for naming in _NAMINGS)
    raise UsageError(
        f"{file_name} is not a MobileNetV1 with known tensor names: it has {some or 'no tensors'}, …",
        hint=f"tensor names are known of: {known}",
    )


def _without_wrappers(tensors: Mapping[str, Tensor], file_name: str) -> dict[str, Tensor]:
    """Names without the marks of wrappers, and without counters and losses, which are no weights."""
    plain: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if name.rpartition(".")[2] in _COUNTERS or name.partition(".")[0] in _LOSSES:
            continue
        ours = name
        for mark in _WRAPPER_MARKS:
            ours = ours.replace(mark, "")
        if ours in plain:
            raise UsageError(f"{file_name} has two tensors for {ours}")
        plain[ours] = value
    return plain


def _prefixes(naming: Naming, tensors: Mapping[str, Tensor]) -> list[str]:
    """What stands before this origin's name of the first convolution: "" or names that end in a dot.

    Where several names end so, those count that have the last convolution, too.
    """
    stem, last = (f"{naming.place(layer)[0]}.weight" for layer in (LAYERS[0], LAYERS[-1]))
    found = [name.removesuffix(stem) for name in tensors if name == stem or name.endswith(f".{stem}")]
    return found if len(found) < 2 else [prefix for prefix in found if f"{prefix}{last}" in tensors]


def _take(naming: Naming, tensors: Mapping[str, Tensor], prefixes: list[str], file_name: str) -> Source:
    if len(prefixes) == 1:
        return _rename(naming, _without_prefix(tensors, prefixes[0]))
    averaged = [prefix for prefix in prefixes if is_averaged(prefix)]
    shown = [prefix or "(no prefix)" for prefix in prefixes]
    if len(averaged) != 1:
        raise UsageError(
            f"{file_name} has {len(prefixes)} networks: {', '.join(shown)}",
            hint="save the state dict of one network",
        )
    (chosen,) = averaged
    # Longer prefixes first: "" stands before every name.
    others = sorted((prefix for prefix in prefixes if prefix != chosen), key=len, reverse=True)
    kept = {
        name: value
        for name, value in tensors.items()
        if name.startswith(chosen) or not any(name.startswith(prefix) for prefix in others)
    }
    return replace(
        _rename(naming, _without_prefix(kept, chosen)),
        entry=chosen,
        remarks=tuple(describe_choice(chosen, shown)),
    )


def _without_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items()}


def _rename(naming: Naming, tensors: Mapping[str, Tensor]) -> Source:
    names = dict(naming.names())
    if f"{naming.classifier}.weight" not in tensors:
        names |= _only_linear_layer({name: tensors[name] for name in tensors if name not in names.values()})
    known = set(names.values())
    return Source(
        origin=naming.origin,
        tensors={
            ours: NamedTensor(theirs, _as_linear(ours, tensors[theirs]))
            for ours, theirs in names.items()
            if theirs in tensors
        },
        padding=naming.padding,
        bn_eps=naming.bn_eps,
        activation=naming.activation,
        preprocessing=naming.preprocessing,
        unexpected=tuple(name for name in tensors if name not in known),
    )


def _as_linear(ours: str, value: Tensor) -> Tensor:
    """A classifier that is a 1x1 convolution is a linear layer, too."""
    pointwise = ours == "classifier.weight" and value.dim() == 4 and tuple(value.shape[2:]) == (1, 1)
    return value.flatten(1) if pointwise else value


def _only_linear_layer(others: Mapping[str, Tensor]) -> dict[str, str]:
    """The classifier (`fc`, `head.1`, …) by our names, if nothing else than a linear layer is left."""
    weight = next((name for name, value in others.items() if value.dim() in (2, 4)), "")
    bias = f"{weight.removesuffix('weight')}bias"
    if set(others) != {weight, bias}:
        return {}
    return {"classifier.weight": weight, "classifier.bias": bias}
