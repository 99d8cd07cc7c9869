"""Names of MobileNetV1's tensors in files of other origins, and each origin's padding and preprocessing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.accuracy.preprocessing import Preprocessing, tensorflow_preprocessing, torchvision_preprocessing
from harness.accuracy.weights.assembly import LAYERS, NORM_TENSORS
from harness.records import Padding
from models.layers import BLOCKS
from models.mobilenet_v1 import PUBLISHED_BN_EPS, Activation

TORCH_BN_EPS = 1e-5


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


def _in_blocks(stem: str, blocks: str) -> Callable[[str], tuple[str, str]]:
    """Each block is one `nn.Sequential` of two convolutions, each with BatchNorm and ReLU behind it."""

    def place(layer: str) -> tuple[str, str]:
        block, depthwise = _split(layer)
        if block < 0:
            return f"{stem}.0", f"{stem}.1"
        conv, norm = (0, 1) if depthwise else (3, 4)
        return f"{blocks}.{block}.{conv}", f"{blocks}.{block}.{norm}"

    return place


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
NAMINGS = (
    OWN,
    *(
        Naming("Hugging Face", place, "classifier", "tf_same", PUBLISHED_BN_EPS, _hugging_face_preprocessing)
        for place in (_hugging_face_place, _hugging_face_backbone_place)
    ),
    Naming("timm", _timm_place, "classifier", "symmetric", TORCH_BN_EPS, _timm_preprocessing),
    # Tensors do not show whether it is ReLU or ReLU6; the paper, which such ports follow, has ReLU.
    Naming(
        "PyTorch course port",
        _in_blocks("first_conv", "bottleneck"),
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
        _in_blocks("conv1", "features"),
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
